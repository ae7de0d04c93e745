// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

struct Options {
  double scale = 100.0;
  double temperature = 1.0;
};

class Pvl final : public dime::Loss {
 public:
  explicit Pvl(Options options) : options_(options) {}

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Pseudo vision-language: the teacher's image vectors stand in for texts. "
               "2 KL(softmax(s V V' / t) || softmax(s v V' / t)), a mean over rows, without a factor t^2. v are the "
               "student's image vectors, V the teacher's, all L2-normalised. "
               "Source: DIME-FM (arXiv 2303.18232), temperature 3, weight 0.3.")
        .option("scale", &Options::scale, "Multiplies all scores: s.", dime::positive)
        .option("temperature", &Options::temperature, "Divides all scores: t.", dime::positive);
  }

  static dime::Needs needs(const Options&) {
    dime::Needs all;
    all.teacher_image = true;
    return all;
  }

  void build(const dime::Shapes& shapes) override {
    if (shapes.teacher_dim == 0 || shapes.teacher_dim == shapes.student_dim) return;
    throw dime::ConfigError("[loss/pvl] the student's vectors are " + std::to_string(shapes.student_dim) +
                            " wide, the teacher's " + std::to_string(shapes.teacher_dim) +
                            "; give the student the teacher's width");
  }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& student =
        dime::need(in.student.image, "pvl", "the student's image vectors: give data.images or data.pairs");
    const auto& teacher =
        dime::need(in.teacher.image, "pvl", "the teacher's image vectors: give data.images or data.pairs");
    return 2 * dime::score_kl(dime::scores(teacher, teacher, options_.scale),
                              dime::scores(student, teacher, options_.scale), options_.temperature);
  }

 private:
  Options options_;
};

}  // namespace

DIME_LOSS("pvl", Pvl)
