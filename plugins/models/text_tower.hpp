// SPDX-License-Identifier: Apache-2.0
// CLIP's text tower, shared by the models of this folder.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "text_options.hpp"
#include "two_towers.hpp"

namespace dime::plugins {

inline void check_shape(const std::string& model, const torch::Tensor& x, at::IntArrayRef row, const char* function,
                        const char* what) {
  if (x.dim() == static_cast<std::int64_t>(row.size()) + 1 && x.sizes().slice(1) == row) return;
  throw ArgumentError("[model/" + model + "] " + function + " takes " + what + " [rows, " + c10::str(row).substr(1) +
                      ", got " + c10::str(x.sizes()));
}

inline void draw_norm(Affine& norm) {
  norm.weight.fill_(1);
  norm.bias.zero_();
}

/// CLIP's. Its parameters have no prefix of their own: they belong to the module that is given.
class TextTower final : public Tower {
 public:
  TextTower(std::string model, const TextShape& shape, std::int64_t embed_dim, torch::nn::Module& owner)
      : model_(std::move(model)), shape_(shape) {
    const auto width = shape.stack.width;
    token_embedding_ = owner.register_module("token_embedding",
                                             std::make_shared<Affine>(at::IntArrayRef{shape.vocabulary, width}, false));
    positional_embedding_ = owner.register_parameter("positional_embedding", at::zeros({shape.context, width}));
    transformer_ = owner.register_module("transformer", std::make_shared<Transformer>(shape.stack));
    ln_final_ = owner.register_module("ln_final", std::make_shared<Affine>(at::IntArrayRef{width}, true));
    text_projection_ = owner.register_parameter("text_projection", at::zeros({width, embed_dim}));
  }

  torch::Tensor forward(const torch::Tensor& all_tokens, ForwardContext& context) override {
    check_shape(model_, all_tokens, {shape_.context}, "encode_text", "tokens");
    // The first of the largest tokens. transformers asks for the first end of text by number where the config names it,
    // and takes the largest where it says 2: with CLIP's vocabulary, whose end of text is the last, all are the same.
    const auto end = all_tokens.argmax(1);
    const auto length = check_tokens(all_tokens, end, context);
    const auto tokens = all_tokens.narrow(1, 0, length);
    auto x = at::embedding(token_embedding_->weight, tokens) + positional_embedding_.narrow(0, 0, length);
    torch::Tensor seen;
    if (shape_.stack.causal) seen = at::arange(length, end.options()).le(end.unsqueeze(1)).view({-1, 1, 1, length});
    x = transformer_->forward(std::move(x), {end, seen}, "transformer.resblocks.", context);
    return at::matmul(context.tap("ln_final", ln_final_->norm(x, shape_.stack.layer_norm_eps)), text_projection_);
  }

  void initialise() override {
    const auto width = static_cast<double>(shape_.stack.width);
    token_embedding_->weight.normal_(0, 0.02);
    positional_embedding_.normal_(0, 0.01);
    draw_norm(*ln_final_);
    text_projection_.normal_(0, 1 / std::sqrt(width));
    for (const auto& block : transformer_->blocks) draw(*block, width);
  }

 private:
  // The positions to compute: causal, none after the longest text's end is seen. One question to the device for all.
  std::int64_t check_tokens(const torch::Tensor& tokens, const torch::Tensor& end,
                            const ForwardContext& context) const {
    if (tokens.size(0) == 0) return shape_.context;
    const auto facts = at::stack({tokens.min(), tokens.max(), end.max()}).cpu();
    const auto* data = facts.const_data_ptr<std::int64_t>();
    if (data[0] < 0 || data[1] >= shape_.vocabulary) {
      throw ArgumentError("[model/" + model_ + "] encode_text takes tokens from 0 to " +
                          std::to_string(shape_.vocabulary - 1) + ", got " +
                          std::to_string(data[0] < 0 ? data[0] : data[1]) +
                          "; the tokenizer and text.vocabulary must agree");
    }
    if (!shape_.stack.causal || !context.wanted_taps.empty()) return shape_.context;
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

  std::string model_;
  TextShape shape_;
  AffinePtr token_embedding_;
  torch::Tensor positional_embedding_;
  std::shared_ptr<Transformer> transformer_;
  AffinePtr ln_final_;
  torch::Tensor text_projection_;
};

}  // namespace dime::plugins
