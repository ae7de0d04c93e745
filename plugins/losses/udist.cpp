// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Udist final : public dime::Loss {
 public:
  explicit Udist(dime::ScoreOptions options) : options_(options) {}

  static dime::Schema<dime::ScoreOptions> schema() {
    return dime::score_schema(
        "The relations of images among themselves: 2 KL(softmax(s V V' / t) || softmax(s v v' / t)), a mean "
        "over "
        "rows, without a factor t^2; the diagonal stays in. v are the student's image vectors, V the teacher's, "
        "all L2-normalised; the student's may have another width than the teacher's. "
        "Source: DIME-FM (arXiv 2303.18232), temperature 7.");
  }

  static dime::Needs needs(const dime::ScoreOptions&) {
    dime::Needs all;
    all.teacher_image = true;
    return all;
  }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& student =
        dime::need(in.student.image, "udist", "the student's image vectors: give data.images or data.pairs");
    const auto& teacher =
        dime::need(in.teacher.image, "udist", "the teacher's image vectors: give data.images or data.pairs");
    return 2 * dime::score_kl(dime::scores(teacher, teacher, options_.scale),
                              dime::scores(student, student, options_.scale), options_.temperature);
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("udist", Udist)
