// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

class Pvl final : public dime::Loss {
 public:
  explicit Pvl(dime::ScoreOptions options) : options_(options) {}

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
    return all;
  }

  void build(const dime::Shapes& shapes) override { dime::need_equal_widths(shapes, "pvl"); }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& student =
        dime::need(in.student.image, "pvl", "the student's image vectors: give data.images or data.pairs");
    const auto& teacher =
        dime::need(in.teacher.image, "pvl", "the teacher's image vectors: give data.images or data.pairs");
    return 2 * dime::score_kl(dime::scores(teacher, teacher, options_.scale),
                              dime::scores(student, teacher, options_.scale), options_.temperature);
  }

 private:
  dime::ScoreOptions options_;
};

}  // namespace

DIME_LOSS("pvl", Pvl)
