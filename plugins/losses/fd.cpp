// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <dime/loss.hpp>

namespace {

struct Options {
  bool normalize = false;
};

class Fd final : public dime::Loss {
 public:
  explicit Fd(Options options) : options_(options) {}

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Feature distillation: mean((v P - V)^2) over all elements, and the same of the text vectors where the "
               "student has a text tower of its own. v are the student's vectors, V the teacher's; P is a learnt "
               "matrix "
               "without bias where the widths differ, else the identity. "
               "Source: CLIP-KD (arXiv 2307.12732), which gives it weight 2000.")
        .option("normalize", &Options::normalize, "L2-normalise both sides first (the student's after P).");
  }

  static dime::Needs needs(const Options&) {
    dime::Needs all;
    all.teacher_image = true;
    return all;
  }

  void build(const dime::Shapes& shapes) override {
    text_ = shapes.student_text;
    if (shapes.teacher_dim == 0 || shapes.student_dim == shapes.teacher_dim) return;
    image_projector_ = projector("image_projector", shapes);
    if (text_) text_projector_ = projector("text_projector", shapes);
  }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& student =
        dime::need(in.student.image, "fd", "the student's image vectors: give data.images or data.pairs");
    const auto& teacher =
        dime::need(in.teacher.image, "fd", "the teacher's image vectors: give data.images or data.pairs");
    auto loss = distance(student, teacher, image_projector_);
    if (text_ && in.student.text.defined() && in.teacher.text.defined()) {
      loss = loss + distance(in.student.text, in.teacher.text, text_projector_);
    }
    return loss;
  }

 private:
  torch::Tensor projector(const std::string& name, const dime::Shapes& shapes) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(shapes.student_dim));
    return register_parameter(name + "_weight",
                              at::empty({shapes.teacher_dim, shapes.student_dim}).uniform_(-bound, bound));
  }

  torch::Tensor distance(const torch::Tensor& student, const torch::Tensor& teacher,
                         const torch::Tensor& weight) const {
    const auto v = weight.defined() ? at::linear(student, weight) : student;
    if (v.size(1) != teacher.size(1)) {
      throw dime::ArgumentError("[loss/fd] the student's vectors are " + std::to_string(v.size(1)) +
                                " wide, the teacher's " + std::to_string(teacher.size(1)) + "; call build() first");
    }
    return options_.normalize ? at::mse_loss(unit(v), unit(teacher)) : at::mse_loss(v, teacher);
  }

  static torch::Tensor unit(const torch::Tensor& x) {
    return x / at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, true);
  }

  Options options_;
  bool text_ = false;
  torch::Tensor image_projector_;
  torch::Tensor text_projector_;
};

}  // namespace

DIME_LOSS("fd", Fd)
