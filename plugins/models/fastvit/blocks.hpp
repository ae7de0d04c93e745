// SPDX-License-Identifier: Apache-2.0
// FastViT's blocks.
#pragma once

#include <memory>

#include "merged.hpp"

namespace dime::plugins::fastvit {

/// The hidden layer, behind a convolution of each channel.
class ConvMlp final : public torch::nn::Module {
 public:
  ConvMlp(std::int64_t width, std::int64_t hidden, const Form& form) {
    conv_ = register_module("conv", std::make_shared<ConvNorm>(ConvShape{width, width, 7, 1, width}, form.frozen));
    fc1_ = register_module("fc1", std::make_shared<Conv>(ConvShape{width, hidden}, true));
    fc2_ = register_module("fc2", std::make_shared<Conv>(ConvShape{hidden, width}, true));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    return fc2_->forward(at::gelu(fc1_->forward(conv_->forward(x, pass))));
  }

  void initialise() {
    for (const auto& conv : {conv_->conv, fc1_, fc2_}) {
      conv->weight.normal_(0, 0.02);
      if (conv->bias.defined()) conv->bias.zero_();
    }
  }

 private:
  std::shared_ptr<ConvNorm> conv_;
  std::shared_ptr<Conv> fc1_, fc2_;
};

/// Self-attention of the positions of a picture.
class Attention final : public torch::nn::Module {
 public:
  explicit Attention(std::int64_t width) : heads_(width / head_width) {
    qkv_ = register_module("qkv", std::make_shared<Affine>(at::IntArrayRef{3 * width, width}, false));
    proj_ = register_module("proj", std::make_shared<Affine>(at::IntArrayRef{width, width}, true));
  }

  torch::Tensor forward(const torch::Tensor& x) const {
    const auto rows = x.size(0), width = x.size(1), positions = x.size(2) * x.size(3);
    const auto qkv = qkv_->linear(x.flatten(2).transpose(1, 2))
                         .view({rows, positions, 3, heads_, head_width})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);
    const auto mixed = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
    const auto joined = proj_->linear(mixed.transpose(1, 2).reshape({rows, positions, width}));
    return joined.transpose(1, 2).reshape(x.sizes());
  }

 private:
  std::int64_t heads_;
  AffinePtr qkv_, proj_;
};

/// A residual block.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const = 0;
};

struct BlockShape {
  std::int64_t width = 0;
  std::int64_t hidden = 0;
  double layer_scale = 0;
  double drop_path = 0;
  std::int64_t site = 0;  ///< of the first of the block's two draws
};

class RepMixerBlock final : public Block {
 public:
  RepMixerBlock(const BlockShape& shape, const Form& form) : shape_(shape) {
    token_mixer_ = register_module("token_mixer", std::make_shared<RepMixer>(shape.width, shape.layer_scale, form));
    mlp_ = register_module("mlp", std::make_shared<ConvMlp>(shape.width, shape.hidden, form));
    layer_scale_ = register_module("layer_scale", std::make_shared<LayerScale>(shape.width, shape.layer_scale));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const override {
    const auto mixed = token_mixer_->forward(x, pass);
    const auto hidden = layer_scale_->forward(mlp_->forward(mixed, pass));
    return mixed + pass.keys.drop_path(hidden, shape_.drop_path, shape_.site + 1);
  }

 private:
  BlockShape shape_;
  std::shared_ptr<RepMixer> token_mixer_;
  std::shared_ptr<ConvMlp> mlp_;
  std::shared_ptr<LayerScale> layer_scale_;
};

class AttentionBlock final : public Block {
 public:
  AttentionBlock(const BlockShape& shape, const Form& form) : shape_(shape) {
    norm_ = register_module("norm", std::make_shared<BatchNorm>(shape.width, form.frozen));
    token_mixer_ = register_module("token_mixer", std::make_shared<Attention>(shape.width));
    layer_scale_1_ = register_module("layer_scale_1", std::make_shared<LayerScale>(shape.width, shape.layer_scale));
    mlp_ = register_module("mlp", std::make_shared<ConvMlp>(shape.width, shape.hidden, form));
    layer_scale_2_ = register_module("layer_scale_2", std::make_shared<LayerScale>(shape.width, shape.layer_scale));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const override {
    const auto attended = layer_scale_1_->forward(token_mixer_->forward(norm_->forward(x, pass)));
    const auto mixed = x + pass.keys.drop_path(attended, shape_.drop_path, shape_.site);
    const auto hidden = layer_scale_2_->forward(mlp_->forward(mixed, pass));
    return mixed + pass.keys.drop_path(hidden, shape_.drop_path, shape_.site + 1);
  }

 private:
  BlockShape shape_;
  std::shared_ptr<BatchNorm> norm_;
  std::shared_ptr<Attention> token_mixer_;
  std::shared_ptr<LayerScale> layer_scale_1_;
  std::shared_ptr<ConvMlp> mlp_;
  std::shared_ptr<LayerScale> layer_scale_2_;
};

}  // namespace dime::plugins::fastvit
