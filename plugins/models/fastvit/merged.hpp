// SPDX-License-Identifier: Apache-2.0
// Modules that have several branches in training and are one convolution where they are deployed (arXiv 2101.03697).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layers.hpp"

namespace dime::plugins::fastvit {

/// What a branch that is linear does, as one convolution.
struct Merged {
  torch::Tensor weight;
  torch::Tensor bias;
};

inline Merged& operator+=(Merged& all, const Merged& one) {
  all.weight = all.weight.defined() ? all.weight + one.weight : one.weight;
  all.bias = all.bias.defined() ? all.bias + one.bias : one.bias;
  return all;
}

/// The kernel with zeros around it.
inline torch::Tensor grown(const torch::Tensor& kernel, std::int64_t side) {
  const std::int64_t edge = (side - kernel.size(3)) / 2;
  return at::constant_pad_nd(kernel, {edge, edge, edge, edge});
}

/// The kernel of a convolution with a group for each channel that changes nothing, or with one group.
inline torch::Tensor unit_kernel(const ConvShape& shape, const at::TensorOptions& options) {
  const auto inputs = shape.in / shape.groups;
  const auto channels = at::arange(shape.in, options.dtype(at::kLong));
  auto kernel = at::zeros({shape.in, inputs, shape.kernel, shape.kernel}, options);
  kernel.select(3, shape.kernel / 2).select(2, shape.kernel / 2).scatter_(1, channels.fmod(inputs).unsqueeze(1), 1);
  return kernel;
}

inline Merged merge(const torch::Tensor& kernel, const BatchNorm& norm) {
  const auto scale = norm.weight / (norm.running_var + BatchNorm::eps).sqrt();
  return {kernel * scale.view({-1, 1, 1, 1}), norm.bias - norm.running_mean * scale};
}

inline Merged merge(const ConvNorm& branch, std::int64_t kernel) {
  auto merged = merge(branch.conv->weight, *branch.bn);
  merged.weight = grown(merged.weight, kernel);
  return merged;
}

/// A module with a form to train and a form to deploy, which is the convolution `reparam_conv`.
class Reparam : public torch::nn::Module {
 public:
  /// Of the form to train.
  virtual Merged merged() const = 0;
  /// The names of the parts that `merged` takes the place of.
  virtual std::vector<std::string> branches() const = 0;

 protected:
  explicit Reparam(const ConvShape& shape) : shape_(shape) {}

  void register_deployed() { reparam_conv_ = register_module("reparam_conv", std::make_shared<Conv>(shape_, true)); }

  ConvShape shape_;
  std::shared_ptr<Conv> reparam_conv_;  ///< null in the form to train
};

/// What the blocks of a tower have in common.
struct Form {
  bool deployed = false;
  bool frozen = false;  ///< the statistics of the batch
};

/// What a MobileOne block has beside its convolution.
struct MobileOneParts {
  bool convolution = true;  ///< of the whole kernel
  bool scale = true;        ///< a convolution of one position, where the kernel is larger
  bool activation = true;
  std::int64_t squeeze = 0;  ///< width of squeeze and excite; 0: none
};

/// A sum of normalised branches (arXiv 2206.04040).
class MobileOne final : public Reparam {
 public:
  MobileOne(const ConvShape& shape, const MobileOneParts& parts, const Form& form)
      : Reparam(shape), activation_(parts.activation) {
    if (parts.squeeze > 0) se_ = register_module("se", std::make_shared<SqueezeExcite>(shape.out, parts.squeeze));
    if (form.deployed) {
      register_deployed();
      return;
    }
    if (shape.in == shape.out && shape.stride == 1) {
      identity_ = register_module("identity", std::make_shared<BatchNorm>(shape.in, form.frozen));
    }
    if (parts.convolution) {
      const auto list = register_module("conv_kxk", std::make_shared<torch::nn::Module>());
      conv_kxk_ = list->register_module("0", std::make_shared<ConvNorm>(shape, form.frozen));
    }
    if (!parts.scale || shape.kernel == 1) return;
    ConvShape one = shape;
    one.kernel = 1;
    conv_scale_ = register_module("conv_scale", std::make_shared<ConvNorm>(one, form.frozen));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    auto y = reparam_conv_ ? reparam_conv_->forward(x) : sum(x, pass);
    if (se_) y = se_->forward(y);
    return activation_ ? at::gelu(y) : y;
  }

  Merged merged() const override {
    Merged all;
    if (conv_kxk_) all += merge(*conv_kxk_, shape_.kernel);
    if (conv_scale_) all += merge(*conv_scale_, shape_.kernel);
    if (identity_) all += merge(unit_kernel(shape_, identity_->weight.options()), *identity_);
    return all;
  }

  std::vector<std::string> branches() const override { return {"identity", "conv_kxk", "conv_scale"}; }

 private:
  torch::Tensor sum(const torch::Tensor& x, const Pass& pass) const {
    torch::Tensor all;
    const auto add = [&](const auto& branch) {
      if (branch) all = all.defined() ? all + branch->forward(x, pass) : branch->forward(x, pass);
    };
    add(conv_scale_);
    add(identity_);
    add(conv_kxk_);
    return all;
  }

  bool activation_;
  std::shared_ptr<SqueezeExcite> se_;
  std::shared_ptr<BatchNorm> identity_;
  std::shared_ptr<ConvNorm> conv_kxk_, conv_scale_;
};

/// A large kernel beside a small one (arXiv 2203.06717).
class LargeKernel final : public Reparam {
 public:
  LargeKernel(const ConvShape& shape, bool squeeze, bool activation, const Form& form)
      : Reparam(shape), activation_(activation) {
    if (squeeze) {
      se_ = register_module("se", std::make_shared<SqueezeExcite>(shape.out, reduced_channels(shape.out, 4, 8)));
    }
    if (form.deployed) {
      register_deployed();
      return;
    }
    ConvShape small = shape;
    small.kernel = 3;
    large_ = register_module("large_conv", std::make_shared<ConvNorm>(shape, form.frozen));
    small_ = register_module("small_conv", std::make_shared<ConvNorm>(small, form.frozen));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    auto y = reparam_conv_ ? reparam_conv_->forward(x) : large_->forward(x, pass) + small_->forward(x, pass);
    if (se_) y = se_->forward(y);
    return activation_ ? at::gelu(y) : y;
  }

  Merged merged() const override {
    auto all = merge(*large_, shape_.kernel);
    return all += merge(*small_, shape_.kernel);
  }

  std::vector<std::string> branches() const override { return {"large_conv", "small_conv"}; }

 private:
  bool activation_;
  std::shared_ptr<SqueezeExcite> se_;
  std::shared_ptr<ConvNorm> large_, small_;
};

/// Mixes positions by a convolution of each channel: x + scale (mixer(x) - norm(x)).
class RepMixer final : public Reparam {
 public:
  RepMixer(std::int64_t width, double layer_scale, const Form& form) : Reparam({width, width, 3, 1, width}) {
    if (form.deployed) {
      register_deployed();
      return;
    }
    norm_ = register_module("norm", std::make_shared<MobileOne>(shape_, MobileOneParts{false, false, false}, form));
    mixer_ = register_module("mixer", std::make_shared<MobileOne>(shape_, MobileOneParts{true, true, false}, form));
    layer_scale_ = register_module("layer_scale", std::make_shared<LayerScale>(width, layer_scale));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    if (reparam_conv_) return reparam_conv_->forward(x);
    return x + layer_scale_->forward(mixer_->forward(x, pass) - norm_->forward(x, pass));
  }

  Merged merged() const override {
    const auto mixer = mixer_->merged(), norm = norm_->merged();
    const auto& gamma = layer_scale_->gamma;
    return {unit_kernel(shape_, gamma.options()) + gamma.unsqueeze(-1) * (mixer.weight - norm.weight),
            gamma.flatten() * (mixer.bias - norm.bias)};
  }

  std::vector<std::string> branches() const override { return {"norm", "mixer", "layer_scale"}; }

 private:
  std::shared_ptr<MobileOne> norm_, mixer_;
  std::shared_ptr<LayerScale> layer_scale_;
};

/// Conditional position encoding (arXiv 2102.10882): adds a convolution of each channel.
class PositionEncoding final : public Reparam {
 public:
  PositionEncoding(std::int64_t width, const Form& form) : Reparam({width, width, 7, 1, width}) {
    if (form.deployed) {
      register_deployed();
    } else {
      pos_enc_ = register_module("pos_enc", std::make_shared<Conv>(shape_, true));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) const {
    return reparam_conv_ ? reparam_conv_->forward(x) : pos_enc_->forward(x) + x;
  }

  Merged merged() const override {
    return {unit_kernel(shape_, pos_enc_->weight.options()) + pos_enc_->weight, pos_enc_->bias};
  }

  std::vector<std::string> branches() const override { return {"pos_enc"}; }

 private:
  std::shared_ptr<Conv> pos_enc_;
};

}  // namespace dime::plugins::fastvit
