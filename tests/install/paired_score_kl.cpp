// SPDX-License-Identifier: Apache-2.0
// A loss plugin, whole. The text given to the schema is its manual page.
#include <dime/loss.hpp>

namespace {

struct Options {
  double temperature = 1.0;
};

class PairedScoreKl final : public dime::Loss {
 public:
  explicit PairedScoreKl(Options options) : options_(options) {}

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>("KL from the teacher's image-text scores to the student's, image by image.")
        .option("temperature", &Options::temperature, "Divides both scores.", dime::positive);
  }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto t = dime::scores(in.teacher.image, in.teacher.text) / options_.temperature;
    const auto s = dime::scores(in.student.image, in.student.text) / options_.temperature;
    return (t.softmax(1) * (t.log_softmax(1) - s.log_softmax(1))).sum(1).mean();
  }

 private:
  Options options_;
};

}  // namespace

DIME_LOSS("paired_score_kl", PairedScoreKl)
