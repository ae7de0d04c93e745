// SPDX-License-Identifier: Apache-2.0
// The parts of a vision transformer with timm's parameter names: queries, keys and values in one map, and pooling by
// attention instead of a class token.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transformer.hpp"

namespace dime::plugins::vit {

/// [B, L, n w] -> n times [B, heads, L, w / heads]
inline std::vector<torch::Tensor> split_heads(const torch::Tensor& x, std::int64_t n, std::int64_t heads) {
  const auto size = x.size(2) / (n * heads);
  return x.view({x.size(0), x.size(1), n, heads, size}).permute({2, 0, 3, 1, 4}).unbind(0);
}

/// [B, heads, L, w / heads] -> [B, L, w]
inline torch::Tensor join_heads(const torch::Tensor& x) { return x.transpose(1, 2).flatten(2); }

/// One vector for each whole patch; what is left over at the right and at the bottom is not read.
class PatchEmbed final : public torch::nn::Module {
 public:
  PatchEmbed(std::int64_t patch_size, std::int64_t width) : patch_size_(patch_size) {
    proj = register_module("proj", std::make_shared<Affine>(at::IntArrayRef{width, 3, patch_size, patch_size}, true));
  }

  /// [B, 3, H, W] -> [B, (H / p) (W / p), w]
  torch::Tensor forward(const torch::Tensor& pixels) const {
    // Patches do not overlap: a product with them laid out in rows is the convolution, in the order that blocks read.
    const auto p = patch_size_;
    const auto batch = pixels.size(0), rows = pixels.size(2) / p, columns = pixels.size(3) / p;
    const auto x = pixels.narrow(2, 0, rows * p).narrow(3, 0, columns * p).reshape({batch, 3, rows, p, columns, p});
    return at::linear(x.permute({0, 2, 4, 1, 3, 5}).reshape({batch, rows * columns, 3 * p * p}),
                      proj->weight.flatten(1), proj->bias);
  }

  AffinePtr proj;

 private:
  std::int64_t patch_size_;
};

class Attention final : public torch::nn::Module {
 public:
  Attention(std::int64_t width, std::int64_t heads) : heads_(heads) {
    qkv = register_module("qkv", std::make_shared<Affine>(at::IntArrayRef{3 * width, width}, true));
    proj = register_module("proj", std::make_shared<Affine>(at::IntArrayRef{width, width}, true));
  }

  torch::Tensor forward(const torch::Tensor& x) const {
    const auto parts = split_heads(qkv->linear(x), 3, heads_);
    return proj->linear(join_heads(at::scaled_dot_product_attention(parts[0], parts[1], parts[2])));
  }

  AffinePtr qkv;
  AffinePtr proj;

 private:
  std::int64_t heads_;
};

class Mlp final : public torch::nn::Module {
 public:
  explicit Mlp(const StackSpec& spec) : activation_(spec.activation) {
    fc1 = register_module("fc1", std::make_shared<Affine>(at::IntArrayRef{spec.hidden(), spec.width}, true));
    fc2 = register_module("fc2", std::make_shared<Affine>(at::IntArrayRef{spec.width, spec.hidden()}, true));
  }

  torch::Tensor forward(const torch::Tensor& x) const { return fc2->linear(activate(fc1->linear(x), activation_)); }

  AffinePtr fc1;
  AffinePtr fc2;

 private:
  Activation activation_;
};

class Block final : public torch::nn::Module {
 public:
  Block(const StackSpec& spec, std::int64_t layer)
      : eps_(spec.layer_norm_eps), drop_path_(spec.drop_path_of(layer)), site_(2 * layer) {
    norm1 = register_module("norm1", std::make_shared<Affine>(at::IntArrayRef{spec.width}, true));
    attn = register_module("attn", std::make_shared<Attention>(spec.width, spec.heads));
    norm2 = register_module("norm2", std::make_shared<Affine>(at::IntArrayRef{spec.width}, true));
    mlp = register_module("mlp", std::make_shared<Mlp>(spec));
  }

  torch::Tensor forward(torch::Tensor x, const ForwardContext& context) const {
    x = x + context.drop_path(attn->forward(norm1->norm(x, eps_)), drop_path_, site_);
    return x + context.drop_path(mlp->forward(norm2->norm(x, eps_)), drop_path_, site_ + 1);
  }

  AffinePtr norm1;
  std::shared_ptr<Attention> attn;
  AffinePtr norm2;
  std::shared_ptr<Mlp> mlp;

 private:
  double eps_;
  double drop_path_;
  std::int64_t site_;
};

/// Blocks named 0, 1, …
class Blocks final : public torch::nn::Module {
 public:
  explicit Blocks(const StackSpec& spec) {
    for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
      all.push_back(register_module(std::to_string(layer), std::make_shared<Block>(spec, layer)));
    }
  }

  /// [B, L, w] -> [B, L, w]. Taps each block as `prefix`N.
  torch::Tensor forward(torch::Tensor x, const std::string& prefix, ForwardContext& context) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto run = [block = all[i], keys = keys_of(context)](torch::Tensor in) {
        return block->forward(std::move(in), keys);
      };
      x = context.tap(prefix + std::to_string(i), context.checkpoint(run, x));
    }
    return x;
  }

  std::vector<std::shared_ptr<Block>> all;
};

/// A learnt vector asks all positions; a hidden layer follows, with what it adds to.
class AttentionPool final : public torch::nn::Module {
 public:
  explicit AttentionPool(const StackSpec& spec) : heads_(spec.heads), eps_(spec.layer_norm_eps) {
    const auto w = spec.width;
    latent = register_parameter("latent", at::zeros({1, 1, w}));
    q = register_module("q", std::make_shared<Affine>(at::IntArrayRef{w, w}, true));
    kv = register_module("kv", std::make_shared<Affine>(at::IntArrayRef{2 * w, w}, true));
    proj = register_module("proj", std::make_shared<Affine>(at::IntArrayRef{w, w}, true));
    norm = register_module("norm", std::make_shared<Affine>(at::IntArrayRef{w}, true));
    mlp = register_module("mlp", std::make_shared<Mlp>(spec));
  }

  /// [B, L, w] -> [B, w]
  torch::Tensor forward(const torch::Tensor& x) const {
    const auto query = split_heads(q->linear(latent), 1, heads_)[0];
    const auto parts = split_heads(kv->linear(x), 2, heads_);
    const auto asked = query.expand({x.size(0), -1, -1, -1});
    const auto y = proj->linear(join_heads(at::scaled_dot_product_attention(asked, parts[0], parts[1]))).squeeze(1);
    return y + mlp->forward(norm->norm(y, eps_));
  }

  torch::Tensor latent;
  AffinePtr q;
  AffinePtr kv;
  AffinePtr proj;
  AffinePtr norm;
  std::shared_ptr<Mlp> mlp;

 private:
  std::int64_t heads_;
  double eps_;
};

}  // namespace dime::plugins::vit
