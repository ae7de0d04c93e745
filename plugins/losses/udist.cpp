// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Udist final : public dime::ScoreLoss {
 public:
  explicit Udist(const dime::ScoreOptions& options)
      : ScoreLoss(dime::score_kl_options(options.products, options.form)), options_(options) {}

  static dime::Schema<dime::ScoreOptions> schema() {
    return dime::score_schema(
        "The relations of images among themselves: 2 KL(softmax(s V V' / t) || softmax(s v v' / t)), a mean over "
        "rows, without a factor t^2; the diagonal stays in. v are the student's image vectors, V the teacher's, "
        "all L2-normalised; the student's may have another width than the teacher's. "
        "Source: DIME-FM (arXiv 2303.18232), temperature 7.");
  }

  static dime::Needs needs(const dime::ScoreOptions&) {
    dime::Needs all;
    all.teacher_image = true;
    all.rows = dime::Rows::own;
    return all;
  }

  std::vector<dime::ScoreTerm> terms(const dime::LossInput& in) const override {
    const auto student = dime::student_images(in, "udist"), teacher = dime::teacher_images(in, "udist");
    dime::ScoreTerm term;
    term.owner = "[loss/udist] ";
    term.teacher = {teacher, teacher, options_.scale, {}};
    term.student = {student, student, options_.scale, {}};
    term.temperature = options_.temperature;
    term.rows_weight = 2;
    return {term};
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("udist", Udist)
