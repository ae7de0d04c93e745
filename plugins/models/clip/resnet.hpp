// SPDX-License-Identifier: Apache-2.0
// CLIP's residual network (ModifiedResNet): a stem of three convolutions, strides by average pooling before the
// convolution that would take them, and attention pooling.
#pragma once

#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../text_tower.hpp"
#include "shape.hpp"

namespace dime::plugins::clip {

/// Batch normalisation by the batch in training, by running statistics otherwise or if these are frozen. Statistics and
/// parameters stay fp32 where autocast makes `x` shorter.
class BatchNorm final : public torch::nn::Module {
 public:
  BatchNorm(std::int64_t channels, bool frozen) : frozen_(frozen) {
    weight = register_parameter("weight", at::ones({channels}));
    bias = register_parameter("bias", at::zeros({channels}));
    running_mean_ = register_buffer("running_mean", at::zeros({channels}));
    running_var_ = register_buffer("running_var", at::ones({channels}));
    tracked_ = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
    if (frozen) eval();
  }

  void train(bool on = true) override { Module::train(on && !frozen_); }

  /// `learn`: training moves the running statistics; a block that is computed again must not move them twice.
  torch::Tensor forward(const torch::Tensor& x, bool learn) {
    if (is_training()) check_batch(x);
    const bool kept = is_training() && !learn;
    if (is_training() && learn) tracked_.add_(1);
    return at::batch_norm(x, weight, bias, kept ? torch::Tensor() : running_mean_,
                          kept ? torch::Tensor() : running_var_, is_training(), 0.1, 1e-5,
                          at::globalContext().userEnabledCuDNN());
  }

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  // One number has no variance; it would leave NaN in the running statistics.
  static void check_batch(const torch::Tensor& x) {
    if (x.numel() > x.size(1)) return;
    throw ArgumentError("[model/clip] encode_image cannot take the statistics of a batch of " +
                        std::to_string(x.size(0)) +
                        " in training at this image size: give it more rows, or set image.freeze_statistics");
  }

  bool frozen_;
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
  torch::Tensor tracked_;
};

/// A convolution without bias that keeps or halves the side, and its normalisation.
class ConvNorm {
 public:
  /// Registers them with `owner`, as `conv` and `norm`.
  ConvNorm(torch::nn::Module& owner, const std::string& conv, const std::string& norm, at::IntArrayRef shape,
           bool frozen, std::int64_t stride = 1)
      : stride_(stride) {
    conv_ = owner.register_module(conv, std::make_shared<Affine>(shape, false));
    norm_ = owner.register_module(norm, std::make_shared<BatchNorm>(shape[0], frozen));
  }

  torch::Tensor operator()(const torch::Tensor& x, bool learn) const {
    const auto padding = conv_->weight.size(2) / 2;
    return norm_->forward(at::conv2d(x, conv_->weight, {}, stride_, padding), learn);
  }

  void initialise(double scale = 1) const {
    conv_->initialise();
    norm_->weight.fill_(scale);
    norm_->bias.zero_();
  }

 private:
  std::int64_t stride_;
  AffinePtr conv_;
  std::shared_ptr<BatchNorm> norm_;
};

/// Convolutions 1x1, 3x3 and 1x1 that give four times `width` channels, beside the identity or a 1x1 convolution.
class Bottleneck final : public torch::nn::Module {
 public:
  Bottleneck(std::int64_t inputs, std::int64_t width, std::int64_t stride, bool frozen, double drop_path,
             std::int64_t site)
      : stride_(stride),
        drop_path_(drop_path),
        site_(site),
        first_(*this, "conv1", "bn1", {width, inputs, 1, 1}, frozen),
        second_(*this, "conv2", "bn2", {width, width, 3, 3}, frozen),
        third_(*this, "conv3", "bn3", {4 * width, width, 1, 1}, frozen) {
    if (stride == 1 && inputs == 4 * width) return;
    const auto list = register_module("downsample", std::make_shared<torch::nn::Module>());
    shortcut_.emplace(*list, "0", "1", at::IntArrayRef{4 * width, inputs, 1, 1}, frozen);
  }

  torch::Tensor forward(const torch::Tensor& x, const ForwardContext& context, bool learn) const {
    auto y = first_(x, learn).relu_();
    y = third_(pooled(second_(y, learn).relu_()), learn);
    const auto shortcut = shortcut_ ? (*shortcut_)(pooled(x), learn) : x;
    return (context.drop_path(y, drop_path_, site_) + shortcut).relu_();
  }

  void initialise() const {
    first_.initialise();
    second_.initialise();
    third_.initialise(0);
    if (shortcut_) shortcut_->initialise();
  }

 private:
  torch::Tensor pooled(const torch::Tensor& x) const { return stride_ == 1 ? x : at::avg_pool2d(x, stride_); }

  std::int64_t stride_;
  double drop_path_;
  std::int64_t site_;
  ConvNorm first_;
  ConvNorm second_;
  ConvNorm third_;
  std::optional<ConvNorm> shortcut_;
};

/// Attention of the mean over all positions and itself.
class AttentionPool final : public torch::nn::Module {
 public:
  AttentionPool(std::int64_t side, std::int64_t width, std::int64_t heads, std::int64_t embed_dim) : heads_(heads) {
    positional_embedding_ = register_parameter("positional_embedding", at::zeros({side * side + 1, width}));
    const auto map = [&](const char* name, std::int64_t outputs) {
      return register_module(name, std::make_shared<Affine>(at::IntArrayRef{outputs, width}, true));
    };
    k_proj_ = map("k_proj", width);
    q_proj_ = map("q_proj", width);
    v_proj_ = map("v_proj", width);
    c_proj_ = map("c_proj", embed_dim);
  }

  /// [B, width, side, side] -> [B, embed_dim]
  torch::Tensor forward(const torch::Tensor& x) const {
    auto all = x.flatten(2).transpose(1, 2);
    all = at::cat({all.mean(1, /*keepdim=*/true), all}, 1) + positional_embedding_;
    const auto read = at::scaled_dot_product_attention(split(q_proj_->linear(all.narrow(1, 0, 1))),
                                                       split(k_proj_->linear(all)), split(v_proj_->linear(all)));
    return c_proj_->linear(read.flatten(1));
  }

  void initialise() const {
    const double scale = 1 / std::sqrt(static_cast<double>(positional_embedding_.size(1)));
    positional_embedding_.normal_(0, scale);
    for (const auto& map : {k_proj_, q_proj_, v_proj_, c_proj_}) {
      map->initialise();
      map->weight.normal_(0, scale);
    }
  }

 private:
  /// [B, L, w] -> [B, heads, L, w / heads]
  torch::Tensor split(const torch::Tensor& x) const {
    return x.view({x.size(0), x.size(1), heads_, x.size(2) / heads_}).transpose(1, 2);
  }

  std::int64_t heads_;
  torch::Tensor positional_embedding_;
  AffinePtr k_proj_;
  AffinePtr q_proj_;
  AffinePtr v_proj_;
  AffinePtr c_proj_;
};

class ModifiedResNet final : public ImageTower {
 public:
  ModifiedResNet(const ResNetShape& shape, std::int64_t embed_dim)
      : shape_(shape),
        stem_{ConvNorm(*this, "conv1", "bn1", {shape.width / 2, 3, 3, 3}, shape.freeze_statistics, 2),
              ConvNorm(*this, "conv2", "bn2", {shape.width / 2, shape.width / 2, 3, 3}, shape.freeze_statistics),
              ConvNorm(*this, "conv3", "bn3", {shape.width, shape.width / 2, 3, 3}, shape.freeze_statistics)} {
    std::int64_t inputs = shape.width;
    for (std::size_t stage = 0; stage < 4; ++stage) inputs = add_stage(stage, inputs);
    pool_ = register_module("attnpool", std::make_shared<AttentionPool>(side(), inputs, shape.heads, embed_dim));
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) override {
    check_shape("clip", pixels, {3, shape_.image_size, shape_.image_size}, "encode_image", "pixels");
    auto x = pixels.contiguous(at::MemoryFormat::ChannelsLast);
    for (const auto& layer : stem_) x = layer(x, true).relu_();
    x = at::avg_pool2d(x, 2);
    for (const auto& [name, block] : blocks_) x = context.tap(name, context.checkpoint(body(block, context), x));
    return pool_->forward(x);
  }

  std::vector<PositionTable> positions() const override {
    return {{"attnpool.positional_embedding", 1, side(), side()}};
  }

  void initialise() override {
    for (const auto& layer : stem_) layer.initialise();
    for (const auto& [name, block] : blocks_) block->initialise();
    pool_->initialise();
  }

 private:
  using BlockPtr = std::shared_ptr<Bottleneck>;

  std::int64_t side() const { return shape_.image_size / 32; }

  /// Adds layer1, layer2, …; returns the channels that it gives.
  std::int64_t add_stage(std::size_t stage, std::int64_t inputs) {
    const auto layers = shape_.layers;
    const auto all = layers[0] + layers[1] + layers[2] + layers[3];
    const auto name = "layer" + std::to_string(stage + 1);
    const auto list = register_module(name, std::make_shared<torch::nn::Module>());
    const auto width = shape_.width << stage;
    for (std::int64_t i = 0; i < layers[stage]; ++i) {
      const auto site = static_cast<std::int64_t>(blocks_.size());
      const double drop_path = shape_.drop_path * static_cast<double>(site) / static_cast<double>(all - 1);
      const auto block = list->register_module(std::to_string(i),
                                               std::make_shared<Bottleneck>(inputs, width, stage > 0 && i == 0 ? 2 : 1,
                                                                            shape_.freeze_statistics, drop_path, site));
      blocks_.emplace_back("visual." + name + "." + std::to_string(i), block);
      inputs = 4 * width;
    }
    return inputs;
  }

  static std::function<torch::Tensor(torch::Tensor)> body(const BlockPtr& block, const ForwardContext& context) {
    return [block, keys = keys_of(context), learn = std::make_shared<bool>(true)](const torch::Tensor& x) {
      return block->forward(x, keys, std::exchange(*learn, false));
    };
  }

  ResNetShape shape_;
  std::array<ConvNorm, 3> stem_;
  std::vector<std::pair<std::string, BlockPtr>> blocks_;
  std::shared_ptr<AttentionPool> pool_;
};

}  // namespace dime::plugins::clip
