// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Vl final : public dime::Loss {
 public:
  explicit Vl(dime::ScoreOptions options) : options_(options) {}

  static dime::Schema<dime::ScoreOptions> schema() {
    return dime::score_schema(
        "The student's image vectors keep the teacher's image-text scores, in both directions: "
        "KL(softmax(s V T' / t) || softmax(s v T' / t)) + KL(softmax(s T V' / t) || softmax(s T v' / t)), "
        "each a mean over rows, without a factor t^2. v are the student's image vectors, V and T the teacher's "
        "image and text vectors, all L2-normalised. Images and texts need not belong together. "
        "Source: DIME-FM (arXiv 2303.18232), weight 0.7.");
  }

  static dime::Needs needs(const dime::ScoreOptions&) {
    dime::Needs all;
    all.teacher_image = all.teacher_text = true;
    return all;
  }

  void build(const dime::Shapes& shapes) override { dime::need_equal_widths(shapes, "vl"); }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& student =
        dime::need(in.student.image, "vl", "the student's image vectors: give data.images or data.pairs");
    const auto& image =
        dime::need(in.teacher.image, "vl", "the teacher's image vectors: give data.images or data.pairs");
    const auto& text = dime::need(in.teacher.text, "vl", "the teacher's text vectors: give data.texts or data.pairs");
    const auto teacher_scores = dime::scores(image, text, options_.scale);
    const auto student_scores = dime::scores(student, text, options_.scale);
    return dime::score_kl(teacher_scores, student_scores, options_.temperature) +
           dime::score_kl(teacher_scores.t(), student_scores.t(), options_.temperature);
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("vl", Vl)
