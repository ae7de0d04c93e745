// SPDX-License-Identifier: Apache-2.0
// CLIP's image and text towers.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "options.hpp"

namespace dime::plugins::clip {

inline void check_shape(const torch::Tensor& x, at::IntArrayRef row, const char* function, const char* what) {
  if (x.dim() == static_cast<std::int64_t>(row.size()) + 1 && x.sizes().slice(1) == row) return;
  throw ArgumentError(std::string("[model/clip] ") + function + " takes " + what + " [rows, " +
                      c10::str(row).substr(1) + ", got " + c10::str(x.sizes()));
}

inline void draw_norm(Affine& norm) {
  norm.weight.fill_(1);
  norm.bias.zero_();
}

class ImageTower final : public torch::nn::Module {
 public:
  ImageTower(const ImageShape& shape, std::int64_t embed_dim) : shape_(shape) {
    const auto width = shape.stack.width;
    const auto side = shape.image_size / shape.patch_size;
    class_embedding_ = register_parameter("class_embedding", at::zeros({width}));
    positional_embedding_ = register_parameter("positional_embedding", at::zeros({side * side + 1, width}));
    proj_ = register_parameter("proj", at::zeros({width, embed_dim}));
    conv1_ = register_module(
        "conv1", std::make_shared<Affine>(at::IntArrayRef{width, 3, shape.patch_size, shape.patch_size}, false));
    ln_pre_ = register_module("ln_pre", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    transformer_ = register_module("transformer", std::make_shared<Transformer>(shape.stack));
    ln_post_ = register_module("ln_post", std::make_shared<Affine>(at::IntArrayRef{width}, true));
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) const {
    check_shape(pixels, {3, shape_.image_size, shape_.image_size}, "encode_image", "pixels");
    auto x = dime::linear(patches(pixels), conv1_->weight.flatten(1));
    x = at::cat({class_embedding_.expand({x.size(0), 1, x.size(2)}), x}, 1) + positional_embedding_;
    x = context.tap("visual.ln_pre", ln_pre_->norm(x));
    x = transformer_->forward(std::move(x), {}, "visual.transformer.resblocks.", context);
    return at::matmul(context.tap("visual.ln_post", ln_post_->norm(x)), proj_);
  }

  void initialise() {
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
    const auto side = shape_.image_size / p;
    return pixels.reshape({-1, 3, side, p, side, p}).permute({0, 2, 4, 1, 3, 5}).reshape({-1, side * side, 3 * p * p});
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

  ImageShape shape_;
  torch::Tensor class_embedding_;
  torch::Tensor positional_embedding_;
  torch::Tensor proj_;
  AffinePtr conv1_;
  AffinePtr ln_pre_;
  std::shared_ptr<Transformer> transformer_;
  AffinePtr ln_post_;
};

/// Its parameters have no prefix of their own: they belong to the module that is given.
class TextTower {
 public:
  TextTower(const TextShape& shape, std::int64_t embed_dim, torch::nn::Module& owner) : shape_(shape) {
    const auto width = shape.stack.width;
    token_embedding_ = owner.register_module("token_embedding",
                                             std::make_shared<Affine>(at::IntArrayRef{shape.vocabulary, width}, false));
    positional_embedding_ = owner.register_parameter("positional_embedding", at::zeros({shape.context, width}));
    transformer_ = owner.register_module("transformer", std::make_shared<Transformer>(shape.stack));
    ln_final_ = owner.register_module("ln_final", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    text_projection_ = owner.register_parameter("text_projection", at::zeros({width, embed_dim}));
  }

  torch::Tensor forward(const torch::Tensor& all_tokens, ForwardContext& context) const {
    check_shape(all_tokens, {shape_.context}, "encode_text", "tokens");
    const auto end = all_tokens.argmax(1);
    const auto length = check_tokens(all_tokens, end, context);
    const auto tokens = all_tokens.narrow(1, 0, length);
    auto x = at::embedding(token_embedding_->weight, tokens) + positional_embedding_.narrow(0, 0, length);
    const auto seen = at::arange(length, end.options()).le(end.unsqueeze(1)).view({-1, 1, 1, length});
    x = transformer_->forward(std::move(x), {end, seen}, "transformer.resblocks.", context);
    return at::matmul(context.tap("ln_final", ln_final_->norm(x)), text_projection_);
  }

  void initialise() {
    const auto width = static_cast<double>(shape_.stack.width);
    token_embedding_->weight.normal_(0, 0.02);
    positional_embedding_.normal_(0, 0.01);
    draw_norm(*ln_final_);
    text_projection_.normal_(0, 1 / std::sqrt(width));
    for (const auto& block : transformer_->blocks) draw(*block, width);
  }

 private:
  // The positions to compute: none after the longest text's end is ever seen. One question to the device for all.
  std::int64_t check_tokens(const torch::Tensor& tokens, const torch::Tensor& end,
                            const ForwardContext& context) const {
    if (tokens.size(0) == 0) return shape_.context;
    const auto facts = at::stack({tokens.min(), tokens.max(), end.max()}).cpu();
    const auto* data = facts.const_data_ptr<std::int64_t>();
    if (data[0] < 0 || data[1] >= shape_.vocabulary) {
      throw ArgumentError("[model/clip] encode_text takes tokens from 0 to " + std::to_string(shape_.vocabulary - 1) +
                          ", got " + std::to_string(data[0] < 0 ? data[0] : data[1]) +
                          "; the tokenizer and text.vocabulary must agree");
    }
    if (!context.wanted_taps.empty()) return shape_.context;
    return std::min(shape_.context, (data[2] + 8) / 8 * 8);
  }

  void draw(Block& block, double width) const {
    const double inner = 1 / std::sqrt(width);
    const double outer = inner / std::sqrt(2.0 * static_cast<double>(shape_.stack.layers));
    draw_norm(*block.ln_1);
    draw_norm(*block.ln_2);
    block.attn->in_proj_weight.normal_(0, inner);
    block.attn->in_proj_bias.zero_();
    block.attn->out_proj->weight.normal_(0, outer);
    block.attn->out_proj->bias.zero_();
    block.mlp->c_fc->initialise();
    block.mlp->c_fc->weight.normal_(0, 1 / std::sqrt(2 * width));
    block.mlp->c_proj->initialise();
    block.mlp->c_proj->weight.normal_(0, outer);
  }

  TextShape shape_;
  AffinePtr token_embedding_;
  torch::Tensor positional_embedding_;
  std::shared_ptr<Transformer> transformer_;
  AffinePtr ln_final_;
  torch::Tensor text_projection_;
};

}  // namespace dime::plugins::clip
