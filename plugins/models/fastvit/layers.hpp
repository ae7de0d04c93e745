// SPDX-License-Identifier: Apache-2.0
// The layers that FastViT is made of, with the tensor names that timm gives them.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "../text_tower.hpp"
#include "options.hpp"

namespace dime::plugins::fastvit {

/// One run through the tower.
struct Pass {
  ForwardContext keys;            ///< the step and its random numbers
  bool update_statistics = true;  ///< false where a block is computed a second time
};

struct ConvShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
};

/// A convolution whose output has ceil(side / stride) positions on each side.
class Conv final : public torch::nn::Module {
 public:
  Conv(const ConvShape& shape, bool with_bias) : shape_(shape) {
    weight = register_parameter("weight", at::zeros({shape.out, shape.in / shape.groups, shape.kernel, shape.kernel}));
    if (with_bias) bias = register_parameter("bias", at::zeros({shape.out}));
  }

  torch::Tensor forward(const torch::Tensor& x) const {
    const std::int64_t padding = shape_.kernel / 2;
    return at::conv2d(x, weight, bias, {shape_.stride, shape_.stride}, {padding, padding}, {1, 1}, shape_.groups);
  }

  /// PyTorch's default: uniform within 1 / sqrt(inputs).
  void initialise() {
    const std::int64_t inputs = weight.numel() / weight.size(0);
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
    weight.uniform_(-bound, bound);
    if (bias.defined()) bias.uniform_(-bound, bound);
  }

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  ConvShape shape_;
};

/// Batch normalisation. It takes the statistics of the batch, and keeps their running mean, in a forward that trains
/// of a module that trains; everywhere else it normalises by the running mean.
class BatchNorm final : public torch::nn::Module {
 public:
  static constexpr double eps = 1e-5;

  BatchNorm(std::int64_t channels, bool frozen) : frozen_(frozen) {
    weight = register_parameter("weight", at::ones({channels}));
    bias = register_parameter("bias", at::zeros({channels}));
    running_mean = register_buffer("running_mean", at::zeros({channels}));
    running_var = register_buffer("running_var", at::ones({channels}));
    num_batches_tracked = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
    if (frozen) Module::train(false);
  }

  void train(bool on = true) override { Module::train(on && !frozen_); }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    const bool of_batch = is_training() && pass.keys.training;
    if (!of_batch) return normalised(x, running_mean, running_var, false);
    if (x.numel() == x.size(1)) {
      throw ArgumentError("[model/fastvit] statistics of a batch need more than one number in each channel, got " +
                          c10::str(x.sizes()) + ": give it more rows, or set image.freeze_statistics");
    }
    if (!pass.update_statistics) return normalised(x, {}, {}, true);
    num_batches_tracked.add_(1);
    return normalised(x, running_mean, running_var, true);
  }

  void initialise() {
    weight.fill_(1);
    bias.zero_();
    running_mean.zero_();
    running_var.fill_(1);
    num_batches_tracked.zero_();
  }

  torch::Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  static constexpr double kMomentum = 0.1;

  torch::Tensor normalised(const torch::Tensor& x, const torch::Tensor& mean, const torch::Tensor& var,
                           bool of_batch) const {
    return at::batch_norm(x, weight, bias, mean, var, of_batch, kMomentum, eps, /*cudnn_enabled=*/true);
  }

  bool frozen_;
};

/// A convolution without bias, normalised.
class ConvNorm final : public torch::nn::Module {
 public:
  ConvNorm(const ConvShape& shape, bool frozen) {
    conv = register_module("conv", std::make_shared<Conv>(shape, false));
    bn = register_module("bn", std::make_shared<BatchNorm>(shape.out, frozen));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const { return bn->forward(conv->forward(x), pass); }

  std::shared_ptr<Conv> conv;
  std::shared_ptr<BatchNorm> bn;
};

/// Squeeze and excite (arXiv 1709.01507).
class SqueezeExcite final : public torch::nn::Module {
 public:
  SqueezeExcite(std::int64_t channels, std::int64_t reduced) {
    fc1_ = register_module("fc1", std::make_shared<Conv>(ConvShape{channels, reduced}, true));
    fc2_ = register_module("fc2", std::make_shared<Conv>(ConvShape{reduced, channels}, true));
  }

  torch::Tensor forward(const torch::Tensor& x) const {
    return x * at::sigmoid(fc2_->forward(at::relu(fc1_->forward(x.mean({2, 3}, true)))));
  }

 private:
  std::shared_ptr<Conv> fc1_, fc2_;
};

/// channels / divisor, rounded to the nearest multiple of `step`, at least one.
inline std::int64_t reduced_channels(std::int64_t channels, std::int64_t divisor, std::int64_t step) {
  return std::max(step, (channels + divisor * step / 2) / (divisor * step) * step);
}

/// A learnt factor for each channel.
class LayerScale final : public torch::nn::Module {
 public:
  LayerScale(std::int64_t channels, double first) : first_(first) {
    gamma = register_parameter("gamma", at::full({channels, 1, 1}, first));
  }

  torch::Tensor forward(const torch::Tensor& x) const { return x * gamma; }
  void initialise() { gamma.fill_(first_); }

  torch::Tensor gamma;

 private:
  double first_;
};

}  // namespace dime::plugins::fastvit
