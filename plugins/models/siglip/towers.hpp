// SPDX-License-Identifier: Apache-2.0
// SigLIP's image and text towers.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "draw.hpp"
#include "options.hpp"

namespace dime::plugins::siglip {

/// The trunk, named as timm's; a projection, named as open_clip's, where the vectors have another width.
class VisionTransformer final : public ImageTower {
 public:
  VisionTransformer(const ImageShape& shape, std::int64_t embed_dim) : shape_(shape) {
    const auto width = shape.stack.width;
    const auto side = grid();
    const auto trunk = register_module("trunk", std::make_shared<torch::nn::Module>());
    pos_embed_ = trunk->register_parameter("pos_embed", at::zeros({1, side * side, width}));
    patch_embed_ = trunk->register_module("patch_embed", std::make_shared<vit::PatchEmbed>(shape.patch_size, width));
    blocks_ = trunk->register_module("blocks", std::make_shared<vit::Blocks>(shape.stack));
    norm_ = trunk->register_module("norm", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    attn_pool_ = trunk->register_module("attn_pool", std::make_shared<vit::AttentionPool>(shape.stack));
    if (embed_dim == width) return;
    const auto head = register_module("head", std::make_shared<torch::nn::Module>());
    proj_ = head->register_module("proj", std::make_shared<Affine>(at::IntArrayRef{embed_dim, width}, false));
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) override {
    check_shape("siglip", pixels, {3, shape_.image_size, shape_.image_size}, "encode_image", "pixels");
    auto x = patch_embed_->forward(pixels) + pos_embed_;
    x = context.patch_dropout(std::move(x), shape_.patch_dropout, 0, 2 * shape_.stack.layers);
    x = blocks_->forward(std::move(x), "visual.trunk.blocks.", context);
    x = context.tap("visual.trunk.norm", norm_->norm(x, shape_.stack.layer_norm_eps));
    x = context.tap("visual.trunk.attn_pool", attn_pool_->forward(x));
    return proj_ ? proj_->linear(x) : x;
  }

  std::vector<PositionTable> positions() const override { return {{"trunk.pos_embed", 0, grid(), grid()}}; }

  void initialise() override {
    draw_by_inputs(*patch_embed_->proj);
    pos_embed_.normal_(0, 1 / std::sqrt(static_cast<double>(shape_.stack.width)));
    for (const auto& block : blocks_->all) draw(*block);
    draw_norm(*norm_);
    draw(*attn_pool_);
    if (proj_) draw_by_inputs(*proj_);
  }

 private:
  /// Positions on each side.
  std::int64_t grid() const { return shape_.image_size / shape_.patch_size; }

  ImageShape shape_;
  torch::Tensor pos_embed_;
  std::shared_ptr<vit::PatchEmbed> patch_embed_;
  std::shared_ptr<vit::Blocks> blocks_;
  AffinePtr norm_;
  std::shared_ptr<vit::AttentionPool> attn_pool_;
  AffinePtr proj_;
};

class TextTower final : public torch::nn::Module, public Tower {
 public:
  TextTower(const TextShape& shape, std::int64_t embed_dim) : shape_(shape) {
    const auto width = shape.stack.width;
    token_embedding_ =
        register_module("token_embedding", std::make_shared<Affine>(at::IntArrayRef{shape.vocabulary, width}, false));
    positional_embedding_ = register_parameter("positional_embedding", at::zeros({shape.context, width}));
    transformer_ = register_module("transformer", std::make_shared<Transformer>(shape.stack));
    ln_final_ = register_module("ln_final", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    text_projection_ =
        register_module("text_projection", std::make_shared<Affine>(at::IntArrayRef{embed_dim, width}, true));
  }

  torch::Tensor forward(const torch::Tensor& tokens, ForwardContext& context) override {
    check_shape("siglip", tokens, {shape_.context}, "encode_text", "tokens");
    check_tokens(tokens);
    auto x = at::embedding(token_embedding_->weight, tokens) + positional_embedding_;
    // Nothing is masked: the padding is seen too, as in training.
    const Readout last{at::full({tokens.size(0)}, shape_.context - 1, tokens.options()), {}};
    x = transformer_->forward(std::move(x), last, "text.transformer.resblocks.", context);
    return text_projection_->linear(context.tap("text.ln_final", ln_final_->norm(x, shape_.stack.layer_norm_eps)));
  }

  void initialise() override {
    const double deviation = 1 / std::sqrt(static_cast<double>(shape_.stack.width));
    token_embedding_->weight.normal_(0, deviation);
    positional_embedding_.normal_(0, deviation);
    for (const auto& block : transformer_->blocks) draw(*block);
    draw_norm(*ln_final_);
    draw_by_inputs(*text_projection_);
  }

 private:
  // One question to the device for both.
  void check_tokens(const torch::Tensor& tokens) const {
    if (tokens.numel() == 0) return;
    const auto facts = at::stack({tokens.min(), tokens.max()}).cpu();
    const auto* data = facts.const_data_ptr<std::int64_t>();
    if (data[0] >= 0 && data[1] < shape_.vocabulary) return;
    throw ArgumentError("[model/siglip] encode_text takes tokens from 0 to " + std::to_string(shape_.vocabulary - 1) +
                        ", got " + std::to_string(data[0] < 0 ? data[0] : data[1]) +
                        "; the tokenizer and text.vocabulary must agree");
  }

  TextShape shape_;
  AffinePtr token_embedding_;
  torch::Tensor positional_embedding_;
  std::shared_ptr<Transformer> transformer_;
  AffinePtr ln_final_;
  AffinePtr text_projection_;
};

}  // namespace dime::plugins::siglip
