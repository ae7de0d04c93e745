// SPDX-License-Identifier: Apache-2.0
// Pre-norm transformer blocks with OpenAI's parameter names, shared by the models of this folder.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/autograd/custom_function.h>

#include <dime/linear.hpp>
#include <dime/model.hpp>

namespace dime::plugins {

/// The `weight` and `bias` of a linear map, a normalisation, a convolution or an embedding.
class Affine final : public torch::nn::Module {
 public:
  Affine(at::IntArrayRef shape, bool with_bias) {
    weight = register_parameter("weight", at::zeros(shape));
    if (with_bias) bias = register_parameter("bias", at::zeros({shape[0]}));
  }

  torch::Tensor linear(const torch::Tensor& x) const { return dime::linear(x, weight, bias); }
  torch::Tensor norm(const torch::Tensor& x, double eps = 1e-5) const {
    return at::layer_norm(x, weight.sizes(), weight, bias, eps);
  }

  /// PyTorch's default for linear maps and convolutions: uniform within 1 / sqrt(inputs).
  void initialise() {
    const std::int64_t inputs = weight.numel() / weight.size(0);
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
    weight.uniform_(-bound, bound);
    if (bias.defined()) bias.uniform_(-bound, bound);
  }

  torch::Tensor weight;
  torch::Tensor bias;
};

using AffinePtr = std::shared_ptr<Affine>;

/// x sigmoid(1.702 x), which is silu(1.702 x) / 1.702. Keeps only x; its backward is one pass.
struct QuickGelu : torch::autograd::Function<QuickGelu> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x) {
    ctx->save_for_backward({x});
    auto y = x * kSlope;
    return at::silu_(y).mul_(1 / kSlope);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {at::silu_backward(grads[0], ctx->get_saved_variables()[0] * kSlope)};
  }
  static constexpr double kSlope = 1.702;
};

enum class Activation { quick_gelu, gelu, gelu_tanh };

inline torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  if (activation == Activation::quick_gelu) return QuickGelu::apply(x);
  return at::gelu(x, activation == Activation::gelu ? "none" : "tanh");
}

/// The one position of each row that a tower reads at its end.
struct Readout {
  torch::Tensor position;  ///< [B] int64; undefined: position 0
  torch::Tensor mask;      ///< [B, 1, 1, L] bool: what that position sees; undefined: everything

  /// [B, L, w] -> [B, 1, w]
  torch::Tensor pick(const torch::Tensor& x) const {
    if (!position.defined()) return x.narrow(1, 0, 1);
    return x.gather(1, position.view({-1, 1, 1}).expand({x.size(0), 1, x.size(2)}));
  }
};

class Attention final : public torch::nn::Module {
 public:
  Attention(std::int64_t width, std::int64_t heads) : width_(width), heads_(heads) {
    in_proj_weight = register_parameter("in_proj_weight", at::zeros({3 * width, width}));
    in_proj_bias = register_parameter("in_proj_bias", at::zeros({3 * width}));
    out_proj = register_module("out_proj", std::make_shared<Affine>(at::IntArrayRef{width, width}, true));
  }

  torch::Tensor forward(const torch::Tensor& x, bool causal) const {
    const auto parts = split(dime::linear(x, in_proj_weight, in_proj_bias), 3);
    return join(at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0.0, causal));
  }

  /// As forward, for the readout's position alone: [B, L, w] -> [B, 1, w].
  torch::Tensor read(const torch::Tensor& x, const Readout& readout) const {
    const auto weights = in_proj_weight.split_with_sizes({width_, 2 * width_});
    const auto biases = in_proj_bias.split_with_sizes({width_, 2 * width_});
    const auto query = split(dime::linear(readout.pick(x), weights[0], biases[0]), 1);
    const auto rest = split(dime::linear(x, weights[1], biases[1]), 2);
    std::optional<torch::Tensor> mask;
    if (readout.mask.defined()) mask = readout.mask;
    return join(at::scaled_dot_product_attention(query[0], rest[0], rest[1], mask));
  }

  torch::Tensor in_proj_weight;
  torch::Tensor in_proj_bias;
  AffinePtr out_proj;

 private:
  /// [B, L, n w] -> n times [B, heads, L, w / heads]
  std::vector<torch::Tensor> split(const torch::Tensor& x, std::int64_t n) const {
    return x.view({x.size(0), x.size(1), n, heads_, width_ / heads_}).permute({2, 0, 3, 1, 4}).unbind(0);
  }
  torch::Tensor join(const torch::Tensor& x) const {
    return out_proj->linear(x.transpose(1, 2).reshape({x.size(0), x.size(2), width_}));
  }

  std::int64_t width_;
  std::int64_t heads_;
};

class Mlp final : public torch::nn::Module {
 public:
  Mlp(std::int64_t width, std::int64_t hidden, Activation activation) : activation_(activation) {
    c_fc = register_module("c_fc", std::make_shared<Affine>(at::IntArrayRef{hidden, width}, true));
    c_proj = register_module("c_proj", std::make_shared<Affine>(at::IntArrayRef{width, hidden}, true));
  }
  torch::Tensor forward(const torch::Tensor& x) const { return c_proj->linear(activate(c_fc->linear(x), activation_)); }

  AffinePtr c_fc;
  AffinePtr c_proj;

 private:
  Activation activation_;
};

/// The sizes of a stack of blocks.
struct StackSpec {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  double mlp_ratio = 4;
  Activation activation = Activation::quick_gelu;
  double drop_path = 0;  ///< of the last block; earlier ones grow linearly from 0
  bool causal = false;
  double layer_norm_eps = 1e-5;

  std::int64_t hidden() const { return static_cast<std::int64_t>(static_cast<double>(width) * mlp_ratio); }
  double drop_path_of(std::int64_t layer) const {
    return layers > 1 ? drop_path * static_cast<double>(layer) / static_cast<double>(layers - 1) : drop_path;
  }
};

/// What a body given to ForwardContext::checkpoint may own of a step's context, which may be gone in backward.
inline ForwardContext keys_of(const ForwardContext& context) {
  ForwardContext keys;
  keys.training = context.training;
  keys.seed = context.seed;
  keys.step = context.step;
  keys.first_row = context.first_row;
  return keys;
}

class Block final : public torch::nn::Module {
 public:
  Block(const StackSpec& spec, std::int64_t layer)
      : causal_(spec.causal), eps_(spec.layer_norm_eps), drop_path_(spec.drop_path_of(layer)), site_(2 * layer) {
    ln_1 = register_module("ln_1", std::make_shared<Affine>(at::IntArrayRef{spec.width}, true));
    attn = register_module("attn", std::make_shared<Attention>(spec.width, spec.heads));
    ln_2 = register_module("ln_2", std::make_shared<Affine>(at::IntArrayRef{spec.width}, true));
    mlp = register_module("mlp", std::make_shared<Mlp>(spec.width, spec.hidden(), spec.activation));
  }

  torch::Tensor forward(const torch::Tensor& x, const ForwardContext& context) const {
    return finish(x + context.drop_path(attn->forward(ln_1->norm(x, eps_), causal_), drop_path_, site_), context);
  }

  /// As forward, for the readout's position alone: [B, L, w] -> [B, 1, w].
  torch::Tensor read(const torch::Tensor& x, const Readout& readout, const ForwardContext& context) const {
    const auto attended = context.drop_path(attn->read(ln_1->norm(x, eps_), readout), drop_path_, site_);
    return finish(readout.pick(x) + attended, context);
  }

  AffinePtr ln_1;
  std::shared_ptr<Attention> attn;
  AffinePtr ln_2;
  std::shared_ptr<Mlp> mlp;

 private:
  torch::Tensor finish(const torch::Tensor& x, const ForwardContext& context) const {
    return x + context.drop_path(mlp->forward(ln_2->norm(x, eps_)), drop_path_, site_ + 1);
  }

  bool causal_;
  double eps_;
  double drop_path_;
  std::int64_t site_;
};

/// Blocks named resblocks.0, resblocks.1, …
class Transformer final : public torch::nn::Module {
 public:
  explicit Transformer(const StackSpec& spec) {
    const auto list = register_module("resblocks", std::make_shared<torch::nn::Module>());
    for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
      blocks.push_back(list->register_module(std::to_string(layer), std::make_shared<Block>(spec, layer)));
    }
  }

  /// [B, L, w] -> [B, w], the readout's position after the last block. Taps each block as `prefix`N, [B, L, w].
  torch::Tensor forward(torch::Tensor x, const Readout& readout, const std::string& prefix,
                        ForwardContext& context) const {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool tapped = !context.wanted_taps.empty() && context.wanted_taps.contains(prefix + std::to_string(i));
      // Nothing reads the other positions of the last block, unless a loss taps it.
      const bool last = i + 1 == blocks.size();
      x = context.checkpoint(body(blocks[i], last && !tapped ? &readout : nullptr, context), x);
      if (tapped) x = context.tap(prefix + std::to_string(i), x);
      if (last && tapped) x = readout.pick(x);
    }
    return (blocks.empty() ? readout.pick(x) : x).squeeze(1);
  }

  std::vector<std::shared_ptr<Block>> blocks;

 private:
  // What runs again in backward owns all it needs: the context of the step may be gone by then.
  static std::function<torch::Tensor(torch::Tensor)> body(std::shared_ptr<Block> block, const Readout* readout,
                                                          const ForwardContext& context) {
    const ForwardContext keys = keys_of(context);
    if (readout == nullptr) return [block, keys](torch::Tensor x) { return block->forward(x, keys); };
    return [block, keys, readout = *readout](torch::Tensor x) { return block->read(x, readout, keys); };
  }
};

}  // namespace dime::plugins
