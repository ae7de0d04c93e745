// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace dime {
namespace {

void check_side(const torch::Tensor& x, const char* side) {
  if (!x.defined()) throw ArgumentError(std::string("scores(): the ") + side + " side is missing");
  if (x.dim() != 2 || !x.is_floating_point()) {
    throw ArgumentError(std::string("scores(): the ") + side + " side takes rows of numbers [B, d], got " +
                        std::string(x.dtype().name()) + " with " + std::to_string(x.dim()) + " dimensions");
  }
}

// Only on the CPU: reading the answer would make a GPU wait.
void check_zeros(const torch::Tensor& norms, const char* side) {
  if (!norms.is_cpu()) return;
  const auto zero = norms.detach().eq(0).flatten();
  if (!zero.any().item<bool>()) return;
  throw ArgumentError("scores(): row " + std::to_string(zero.nonzero()[0].item<std::int64_t>()) + " of the " + side +
                      " side is all zeros");
}

torch::Tensor normalise(const torch::Tensor& x, double scale, const char* side) {
  const auto norms = at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, true);
  check_zeros(norms, side);
  return scale == 1.0 ? x / norms : x * (scale / norms);
}

void check_matrices(const torch::Tensor& teacher, const torch::Tensor& student) {
  if (!teacher.defined() || !student.defined()) {
    throw ArgumentError(std::string("score_kl(): the ") + (teacher.defined() ? "student's" : "teacher's") +
                        " scores are missing");
  }
  if (teacher.dim() != 2 || teacher.sizes() != student.sizes()) {
    const auto text = [](const torch::Tensor& x) { return c10::str(x.sizes()); };
    throw ArgumentError("score_kl(): the teacher's scores " + text(teacher) + " and the student's " + text(student) +
                        " must be matrices of one shape [B, N]");
  }
}

}  // namespace

torch::Tensor scores(const torch::Tensor& a, const torch::Tensor& b, double scale) {
  check_side(a, "first");
  check_side(b, "second");
  if (a.size(1) != b.size(1)) {
    throw ArgumentError("scores(): the first side is " + std::to_string(a.size(1)) + " wide, the second " +
                        std::to_string(b.size(1)) + "; score vectors of one width, or add a projector");
  }
  // The scale goes into the thin operand: [B, d] is far smaller than [B, N].
  return at::mm(normalise(a, scale, "first"), normalise(b.to(a.scalar_type()), 1.0, "second").t());
}

torch::Tensor score_kl(const torch::Tensor& teacher, const torch::Tensor& student, double temperature) {
  check_matrices(teacher, student);
  if (!(temperature > 0)) {
    throw ArgumentError("score_kl(): the temperature must be > 0, got " + c10::str(temperature));
  }
  const auto p = at::log_softmax(teacher / temperature, 1);
  const auto q = at::log_softmax(student / temperature, 1);
  return (p.exp() * (p - q)).sum(1).mean();
}

}  // namespace dime
