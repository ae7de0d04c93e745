// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>

#include "unicl/swin.hpp"

namespace {

using dime::plugins::TextTower;
using dime::plugins::unicl::ImageTower;
using dime::plugins::unicl::Options;

class Unicl final : public dime::Model {
 public:
  explicit Unicl(Options options) : options_(std::move(options)), shape_(dime::plugins::unicl::resolve(options_)) {
    if (shape_.image) {
      visual_ = register_module("visual", std::make_shared<ImageTower>(*shape_.image, shape_.embed_dim));
    }
    if (shape_.text) {
      text_.emplace("unicl", *shape_.text, shape_.embed_dim, *this);
      logit_scale_ = register_parameter("logit_scale", at::full({}, std::log(options_.logit_scale_init)));
    }
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size, options_.mean, options_.std, "bicubic", "gelu"};
    }
    if (shape_.text) {
      const bool gelu = shape_.text->stack.activation == dime::plugins::Activation::gelu;
      all.text = {shape_.text->context, shape_.text->vocabulary, "clip", gelu ? "gelu" : "quick_gelu",
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

  torch::Tensor logit_scale() const override { return dime::plugins::scale_of_scores(logit_scale_); }

  void initialise() override {
    const at::NoGradGuard guard;
    if (visual_) visual_->initialise();
    if (!text_) return;
    text_->initialise();
    logit_scale_.fill_(std::log(options_.logit_scale_init));
  }

 private:
  Options options_;
  dime::plugins::unicl::Shape shape_;
  std::shared_ptr<ImageTower> visual_;
  std::optional<TextTower> text_;
  torch::Tensor logit_scale_;
};

}  // namespace

DIME_MODEL("unicl", Unicl)
