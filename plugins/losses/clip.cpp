// SPDX-License-Identifier: Apache-2.0
#include <dime/loss.hpp>

namespace {

struct Options {
  double scale = 100.0;
};

class Clip final : public dime::Loss {
 public:
  explicit Clip(Options options) : options_(options) {}

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Contrast of pairs: the mean of the cross-entropies of softmax(s v t') and softmax(s t v') against the "
               "row's own partner. v and t are the student's image and text vectors, L2-normalised; s is the student's "
               "logit scale. Works on pairs and needs a text tower of the student's own. "
               "Source: CLIP (arXiv 2103.00020).")
        .option("scale", &Options::scale, "s, where the student has no logit scale.", dime::positive);
  }

  static dime::Needs needs(const Options&) {
    dime::Needs all;
    all.student_text = all.pairs = true;
    return all;
  }

  torch::Tensor forward(const dime::LossInput& in) override {
    const auto& image = dime::need(in.student.image, "clip", "the student's image vectors: give data.pairs");
    const auto& text =
        dime::need(in.student.text, "clip", "the student's text vectors: give data.pairs and models.student.text");
    if (!in.pairs) throw dime::ArgumentError("[loss/clip] needs pairs: give data.pairs and `on: pairs`");
    if (image.size(0) != text.size(0)) {
      throw dime::ArgumentError("[loss/clip] needs as many texts as images, got " + std::to_string(text.size(0)) +
                                " and " + std::to_string(image.size(0)));
    }
    const auto& learnt = in.student.logit_scale;
    const auto scores =
        learnt.defined() ? learnt * dime::scores(image, text, 1.0) : dime::scores(image, text, options_.scale);
    const auto partners = at::arange(image.size(0), scores.options().dtype(at::kLong));
    return (at::cross_entropy_loss(scores, partners) + at::cross_entropy_loss(scores.t(), partners)) / 2;
  }

 private:
  Options options_;
};

}  // namespace

DIME_LOSS("clip", Clip)
