// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>

#include "siglip/towers.hpp"

namespace {

using dime::plugins::siglip::ImageTower;
using dime::plugins::siglip::Options;
using dime::plugins::siglip::TextTower;

class Siglip final : public dime::Model {
 public:
  explicit Siglip(Options options) : options_(std::move(options)), shape_(dime::plugins::siglip::resolve(options_)) {
    if (shape_.image) {
      visual_ = register_module("visual", std::make_shared<ImageTower>(*shape_.image, shape_.embed_dim));
    }
    if (shape_.text) {
      text_ = register_module("text", std::make_shared<TextTower>(*shape_.text, shape_.embed_dim));
      logit_scale_ = register_parameter("logit_scale", at::full({}, std::log(options_.logit_scale_init)));
      logit_bias_ = register_parameter("logit_bias", at::full({}, options_.logit_bias_init));
    }
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size, options_.mean, options_.std, "bicubic", activation(*shape_.image),
                   shape_.image->stack.heads};
    }
    if (shape_.text) {
      all.text = {shape_.text->context, shape_.text->vocabulary, "siglip", activation(*shape_.text),
                  shape_.text->stack.heads};
    }
    return all;
  }

  torch::Tensor encode_image(const torch::Tensor& pixels, dime::ForwardContext& context) override {
    if (!visual_) return Model::encode_image(pixels, context);
    context.checkpointing |= options_.checkpointing;
    return visual_->forward(pixels, context);
  }

  torch::Tensor encode_text(const torch::Tensor& tokens, dime::ForwardContext& context) override {
    if (!text_) return Model::encode_text(tokens, context);
    context.checkpointing |= options_.checkpointing;
    return text_->forward(tokens, context);
  }

  torch::Tensor logit_scale() const override { return logit_scale_.defined() ? logit_scale_.exp() : logit_scale_; }

  std::vector<dime::PositionTable> position_tables() const override {
    if (!visual_) return {};
    return {{"visual.trunk.pos_embed", 0, visual_->grid(), visual_->grid()}};
  }

  void initialise() override {
    const at::NoGradGuard guard;
    if (visual_) visual_->initialise();
    if (!text_) return;
    text_->initialise();
    logit_scale_.fill_(std::log(options_.logit_scale_init));
    logit_bias_.fill_(options_.logit_bias_init);
  }

 private:
  template <class TowerShape>
  static std::string activation(const TowerShape& shape) {
    return shape.stack.activation == dime::plugins::Activation::gelu ? "gelu" : "gelu_tanh";
  }

  Options options_;
  dime::plugins::siglip::Shape shape_;
  std::shared_ptr<ImageTower> visual_;
  std::shared_ptr<TextTower> text_;
  torch::Tensor logit_scale_;
  torch::Tensor logit_bias_;
};

}  // namespace

DIME_MODEL("siglip", Siglip)
