// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "clip/resnet.hpp"
#include "clip/towers.hpp"

namespace {

using dime::plugins::TextTower;
using dime::plugins::clip::ImageShape;
using dime::plugins::clip::ImageTower;
using dime::plugins::clip::ModifiedResNet;
using dime::plugins::clip::Options;
using dime::plugins::clip::ResNetShape;
using dime::plugins::clip::VisionTransformer;
using dime::plugins::clip::VitShape;

std::shared_ptr<ImageTower> image_tower(const ImageShape& shape, std::int64_t embed_dim) {
  if (const auto* resnet = std::get_if<ResNetShape>(&shape))
    return std::make_shared<ModifiedResNet>(*resnet, embed_dim);
  return std::make_shared<VisionTransformer>(std::get<VitShape>(shape), embed_dim);
}

std::string name_of(dime::plugins::Activation activation) {
  return activation == dime::plugins::Activation::gelu ? "gelu" : "quick_gelu";
}

class Clip final : public dime::Model {
 public:
  explicit Clip(Options options) : options_(std::move(options)), shape_(dime::plugins::clip::resolve(options_)) {
    if (shape_.image) {
      visual_ = register_module("visual", image_tower(*shape_.image, shape_.embed_dim));
    }
    if (shape_.text) {
      text_.emplace("clip", *shape_.text, shape_.embed_dim, *this);
      logit_scale_ = register_parameter("logit_scale", at::full({}, std::log(options_.logit_scale_init)));
    }
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) all.image = image_spec();
    if (const auto& text = shape_.text) {
      all.text = {text->context, text->vocabulary, "clip", name_of(text->stack.activation), text->stack.heads};
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

  std::vector<dime::PositionTable> position_tables() const override {
    if (!visual_) return {};
    auto table = visual_->positions();
    table.name = "visual." + table.name;
    return {table};
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
  dime::ImageSpec image_spec() const {
    dime::ImageSpec spec{224, options_.mean, options_.std, "bicubic", ""};
    if (const auto* vit = std::get_if<VitShape>(&*shape_.image)) {
      spec.size = vit->image_size;
      spec.activation = name_of(vit->stack.activation);
      spec.heads = vit->stack.heads;
    } else {
      spec.size = std::get<ResNetShape>(*shape_.image).image_size;
    }
    return spec;
  }

  Options options_;
  dime::plugins::clip::Shape shape_;
  std::shared_ptr<ImageTower> visual_;
  std::optional<TextTower> text_;
  torch::Tensor logit_scale_;
};

}  // namespace

DIME_MODEL("clip", Clip)
