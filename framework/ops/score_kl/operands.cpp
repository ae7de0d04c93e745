// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/operands.hpp"

#include <algorithm>

#include <torch/types.h>

#include <dime/error.hpp>

namespace dime::detail {
namespace {

constexpr std::int64_t kRowsAtOnce = 1024;  // so that no second copy of all vectors is made

torch::Tensor centred_words(const ScoreOperand& x) {
  const std::int64_t rows = x.vectors.size(0), width = x.vectors.size(1);
  auto words = at::empty({rows, width + width % 2}, x.vectors.options().dtype(at::kBFloat16));
  if (width % 2 == 1) words.narrow(1, width, 1).zero_();
  for (std::int64_t first = 0; first < rows; first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, rows - first);
    auto part = x.vectors.narrow(0, first, count) * x.inverse_norms.narrow(0, first, count).unsqueeze(1);
    words.narrow(0, first, count).narrow(1, 0, width).copy_(part.sub_(x.mean));
  }
  return words;
}

}  // namespace

ScoreOperand make_operand(const torch::Tensor& vectors, Products products) {
  ScoreOperand x;
  x.vectors = vectors.contiguous();
  x.inverse_norms = at::linalg_vector_norm(x.vectors, 2, at::IntArrayRef{1}).reciprocal_();
  if (products == Products::bf16 && x.vectors.scalar_type() == at::kFloat) {
    x.mean =
        at::mv(x.vectors.t(), x.inverse_norms).div_(static_cast<double>(std::max<std::int64_t>(1, vectors.size(0))));
    x.words = centred_words(x);
  }
  return x;
}

void refuse_zeros(const ScoreOperand& operand, const std::string& owner, const std::string& name) {
  if (!operand.inverse_norms.is_cpu()) return;
  const auto zero = operand.inverse_norms.isinf();
  if (!zero.any().item<bool>()) return;
  throw ArgumentError(owner + "row " + std::to_string(zero.nonzero()[0].item<std::int64_t>()) + " of " + name +
                      " is all zeros: it has no direction");
}

std::int64_t first_not_finite(const ScoreOperand& operand) {
  if (!operand.inverse_norms.is_cpu()) return -1;
  // An infinite number makes the norm infinite, and its inverse zero.
  const auto bad = operand.inverse_norms.isnan().logical_or_(operand.inverse_norms.eq(0));
  return bad.any().item<bool>() ? bad.nonzero()[0].item<std::int64_t>() : -1;
}

}  // namespace dime::detail
