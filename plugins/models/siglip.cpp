// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "siglip/towers.hpp"

namespace {

using dime::plugins::siglip::Options;
using dime::plugins::siglip::TextTower;
using dime::plugins::siglip::VisionTransformer;

class Siglip final : public dime::plugins::TwoTowers {
 public:
  explicit Siglip(Options options)
      : TwoTowers(options.checkpointing, options.logit_scale_init),
        options_(std::move(options)),
        shape_(dime::plugins::siglip::resolve(options_)) {
    if (shape_.image) add_image(std::make_shared<VisionTransformer>(*shape_.image, shape_.embed_dim));
    if (shape_.text) {
      add_text(register_module("text", std::make_shared<TextTower>(*shape_.text, shape_.embed_dim)));
      logit_bias_ = register_parameter("logit_bias", at::full({}, options_.logit_bias_init));
    }
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size,
                   options_.mean,
                   options_.std,
                   options_.interpolation,
                   activation(*shape_.image),
                   shape_.image->stack.heads,
                   shape_.image->stack.layer_norm_eps,
                   options_.resize_mode};
    }
    if (shape_.text) {
      all.text = {shape_.text->context,     shape_.text->vocabulary,           "siglip", activation(*shape_.text),
                  shape_.text->stack.heads, shape_.text->stack.layer_norm_eps, false};
    }
    return all;
  }

  // Not capped, unlike CLIP's.
  torch::Tensor logit_scale() const override { return log_scale().defined() ? log_scale().exp() : log_scale(); }

  void initialise() override {
    TwoTowers::initialise();
    const at::NoGradGuard guard;
    if (logit_bias_.defined()) logit_bias_.fill_(options_.logit_bias_init);
  }

 private:
  template <class TowerShape>
  static std::string activation(const TowerShape& shape) {
    return shape.stack.activation == dime::plugins::Activation::gelu ? "gelu" : "gelu_tanh";
  }

  Options options_;
  dime::plugins::siglip::Shape shape_;
  torch::Tensor logit_bias_;
};

}  // namespace

DIME_MODEL("siglip", Siglip)
