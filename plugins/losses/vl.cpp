// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Vl final : public dime::ScoreLoss {
 public:
  explicit Vl(const dime::ScoreOptions& options)
      : ScoreLoss(dime::score_kl_options(options.products, options.form)), options_(options) {}

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
    all.rows = dime::Rows::own;
    return all;
  }

  void build(const dime::Shapes& shapes) override { dime::need_equal_widths(shapes, "vl"); }

  std::vector<dime::ScoreTerm> terms(const dime::LossInput& in) const override {
    const auto student = dime::student_images(in, "vl"), image = dime::teacher_images(in, "vl"),
               text = dime::teacher_texts(in, "vl");
    dime::ScoreTerm term;
    term.owner = "[loss/vl] ";
    term.teacher = {image, text, options_.scale, {}};
    term.student = {student, text, options_.scale, {}};
    term.temperature = options_.temperature;
    term.columns_weight = 1;
    return {term};
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("vl", Vl)
