// SPDX-License-Identifier: Apache-2.0
// CLIP's vision transformer.
#pragma once

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "../text_tower.hpp"
#include "shape.hpp"

namespace dime::plugins::clip {

class VisionTransformer final : public ImageTower {
 public:
  VisionTransformer(const VitShape& shape, std::int64_t embed_dim) : shape_(shape) {
    const auto width = shape.stack.width;
    const auto side = this->side();
    class_embedding_ = register_parameter("class_embedding", at::zeros({width}));
    positional_embedding_ = register_parameter("positional_embedding", at::zeros({side * side + 1, width}));
    proj_ = register_parameter("proj", at::zeros({width, embed_dim}));
    conv1_ = register_module(
        "conv1", std::make_shared<Affine>(at::IntArrayRef{width, 3, shape.patch_size, shape.patch_size}, false));
    ln_pre_ = register_module("ln_pre", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    transformer_ = register_module("transformer", std::make_shared<Transformer>(shape.stack));
    ln_post_ = register_module("ln_post", std::make_shared<Affine>(at::IntArrayRef{width}, true));
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) override {
    check_shape("clip", pixels, {3, shape_.image_size, shape_.image_size}, "encode_image", "pixels");
    auto x = dime::linear(patches(pixels), conv1_->weight.flatten(1));
    x = at::cat({class_embedding_.expand({x.size(0), 1, x.size(2)}), x}, 1) + positional_embedding_;
    x = context.patch_dropout(std::move(x), shape_.patch_dropout, 1, 2 * shape_.stack.layers);
    x = context.tap("visual.ln_pre", ln_pre_->norm(x, eps()));
    x = transformer_->forward(std::move(x), {}, "visual.transformer.resblocks.", context);
    return at::matmul(context.tap("visual.ln_post", ln_post_->norm(x, eps())), proj_);
  }

  std::vector<PositionTable> positions() const override { return {{"positional_embedding", 1, side(), side()}}; }

  void initialise() override {
    const double scale = 1.0 / std::sqrt(static_cast<double>(shape_.stack.width));
    class_embedding_.normal_(0, scale);
    positional_embedding_.normal_(0, scale);
    proj_.normal_(0, scale);
    conv1_->initialise();
    draw_norm(*ln_pre_);
    draw_norm(*ln_post_);
    for (const auto& block : transformer_->blocks) draw(*block);
  }

 private:
  // Patches do not overlap: a product with them laid out in rows is the convolution, in the order that blocks read.
  torch::Tensor patches(const torch::Tensor& pixels) const {
    const auto p = shape_.patch_size;
    const auto n = side();
    return pixels.reshape({-1, 3, n, p, n, p}).permute({0, 2, 4, 1, 3, 5}).reshape({-1, n * n, 3 * p * p});
  }

  // PyTorch's defaults, as OpenAI leaves them in this tower.
  static void draw(Block& block) {
    draw_norm(*block.ln_1);
    draw_norm(*block.ln_2);
    const auto width = static_cast<double>(block.attn->in_proj_weight.size(1));
    const double bound = std::sqrt(6.0 / (4.0 * width));
    block.attn->in_proj_weight.uniform_(-bound, bound);
    block.attn->in_proj_bias.zero_();
    block.attn->out_proj->initialise();
    block.attn->out_proj->bias.zero_();
    block.mlp->c_fc->initialise();
    block.mlp->c_proj->initialise();
  }

  std::int64_t side() const { return shape_.image_size / shape_.patch_size; }
  double eps() const { return shape_.stack.layer_norm_eps; }

  VitShape shape_;
  torch::Tensor class_embedding_;
  torch::Tensor positional_embedding_;
  torch::Tensor proj_;
  AffinePtr conv1_;
  AffinePtr ln_pre_;
  std::shared_ptr<Transformer> transformer_;
  AffinePtr ln_post_;
};

}  // namespace dime::plugins::clip
