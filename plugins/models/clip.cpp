// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <variant>

#include "clip/resnet.hpp"
#include "clip/towers.hpp"

namespace {

using dime::plugins::ImageTower;
using dime::plugins::TextTower;
using dime::plugins::clip::ImageShape;
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

class Clip final : public dime::plugins::TwoTowers {
 public:
  explicit Clip(Options options)
      : TwoTowers(options.checkpointing, options.logit_scale_init),
        options_(std::move(options)),
        shape_(dime::plugins::clip::resolve(options_)) {
    if (shape_.image) add_image(image_tower(*shape_.image, shape_.embed_dim));
    if (shape_.text) add_text(std::make_shared<TextTower>("clip", *shape_.text, shape_.embed_dim, *this));
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) all.image = image_spec();
    if (shape_.text) all.text = text_spec(*shape_.text);
    return all;
  }

 private:
  dime::ImageSpec image_spec() const {
    dime::ImageSpec spec{224, options_.mean, options_.std, options_.interpolation};
    spec.resize_mode = options_.resize_mode;
    if (const auto* vit = std::get_if<VitShape>(&*shape_.image)) {
      spec.size = vit->image_size;
      spec.activation = vit->stack.activation == dime::plugins::Activation::gelu ? "gelu" : "quick_gelu";
      spec.heads = vit->stack.heads;
      spec.layer_norm_eps = vit->stack.layer_norm_eps;
    } else {
      spec.size = std::get<ResNetShape>(*shape_.image).image_size;
    }
    return spec;
  }

  Options options_;
  dime::plugins::clip::Shape shape_;
};

}  // namespace

DIME_MODEL("clip", Clip)
