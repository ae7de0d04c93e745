// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Pvl final : public dime::ScoreLoss {
 public:
  explicit Pvl(const dime::ScoreOptions& options)
      : ScoreLoss(dime::score_kl_options(options.products, options.form)), options_(options) {}

  static dime::Schema<dime::ScoreOptions> schema() {
    return dime::score_schema(
        "Pseudo vision-language: the teacher's image vectors stand in for texts. "
        "2 KL(softmax(s V V' / t) || softmax(s v V' / t)), a mean over rows, without a factor t^2. v are the "
        "student's image vectors, V the teacher's, all L2-normalised. "
        "Source: DIME-FM (arXiv 2303.18232), temperature 3, weight 0.3.");
  }

  static dime::Needs needs(const dime::ScoreOptions&) {
    dime::Needs all;
    all.teacher_image = true;
    all.rows = dime::Rows::own;
    return all;
  }

  void build(const dime::Shapes& shapes) override { dime::need_equal_widths(shapes, "pvl"); }

  std::vector<dime::ScoreTerm> terms(const dime::LossInput& in) const override {
    const auto student = dime::student_images(in, "pvl"), teacher = dime::teacher_images(in, "pvl");
    dime::ScoreTerm term;
    term.owner = "[loss/pvl] ";
    term.teacher = {teacher, teacher, options_.scale, {}};
    term.student = {student, teacher, options_.scale, {}};
    term.temperature = options_.temperature;
    term.rows_weight = 2;
    return {term};
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("pvl", Pvl)
