// SPDX-License-Identifier: Apache-2.0
// A Swin transformer (arXiv 2103.14030) with timm's parameter names, and a projection.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../text_tower.hpp"
#include "windows.hpp"

namespace dime::plugins::unicl {

inline AffinePtr linear(torch::nn::Module& owner, const std::string& name, std::int64_t outputs, std::int64_t inputs,
                        bool with_bias = true) {
  return owner.register_module(name, std::make_shared<Affine>(at::IntArrayRef{outputs, inputs}, with_bias));
}

inline AffinePtr norm(torch::nn::Module& owner, const std::string& name, std::int64_t width) {
  return owner.register_module(name, std::make_shared<Affine>(at::IntArrayRef{width}, true));
}

// Swin cuts its normals at 2, a hundred deviations away: no draw lies there.
inline void draw_linear(Affine& map) {
  map.weight.normal_(0, 0.02);
  if (map.bias.defined()) map.bias.zero_();
}

class WindowAttention final : public torch::nn::Module {
 public:
  WindowAttention(const StageShape& shape, WindowsPtr windows) : heads_(shape.heads), windows_(std::move(windows)) {
    const auto reach = 2 * shape.window - 1;
    table_ = register_parameter("relative_position_bias_table", at::zeros({reach * reach, shape.heads}));
    qkv_ = linear(*this, "qkv", 3 * shape.width, shape.width);
    proj_ = linear(*this, "proj", shape.width, shape.width);
  }

  /// [B, side, side, width] -> the same
  torch::Tensor forward(const torch::Tensor& x, bool shifted) const {
    const auto parts = windows_->cut(qkv_->linear(windows_->place(x, shifted)), 3, heads_, shifted);
    const auto bias = windows_->bias(table_, shifted);
    const auto seen = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], bias);
    return windows_->replace(proj_->linear(windows_->join(seen, x.size(0), heads_)), shifted);
  }

  void initialise() {
    table_.normal_(0, 0.02);
    draw_linear(*qkv_);
    draw_linear(*proj_);
  }

 private:
  std::int64_t heads_;
  WindowsPtr windows_;
  torch::Tensor table_;
  AffinePtr qkv_;
  AffinePtr proj_;
};

class SwinMlp final : public torch::nn::Module {
 public:
  SwinMlp(std::int64_t width, std::int64_t hidden) {
    fc1_ = linear(*this, "fc1", hidden, width);
    fc2_ = linear(*this, "fc2", width, hidden);
  }
  torch::Tensor forward(const torch::Tensor& x) const { return fc2_->linear(at::gelu(fc1_->linear(x))); }
  void initialise() {
    draw_linear(*fc1_);
    draw_linear(*fc2_);
  }

 private:
  AffinePtr fc1_;
  AffinePtr fc2_;
};

class SwinBlock final : public torch::nn::Module {
 public:
  /// `block` counts those of all stages, `in_stage` those of its own.
  SwinBlock(const SwinShape& swin, const StageShape& stage, WindowsPtr windows, std::int64_t block,
            std::int64_t in_stage)
      : eps_(swin.eps),
        drop_path_(swin.drop_path_of(block)),
        site_(2 * block),
        shifted_(in_stage % 2 == 1 && windows->shift() > 0) {
    const auto hidden = static_cast<std::int64_t>(static_cast<double>(stage.width) * swin.mlp_ratio);
    norm1_ = norm(*this, "norm1", stage.width);
    attn_ = register_module("attn", std::make_shared<WindowAttention>(stage, std::move(windows)));
    norm2_ = norm(*this, "norm2", stage.width);
    mlp_ = register_module("mlp", std::make_shared<SwinMlp>(stage.width, hidden));
  }

  torch::Tensor forward(const torch::Tensor& x, const ForwardContext& context) const {
    const auto y = x + context.drop_path(attn_->forward(norm1_->norm(x, eps_), shifted_), drop_path_, site_);
    return y + context.drop_path(mlp_->forward(norm2_->norm(y, eps_)), drop_path_, site_ + 1);
  }

  void initialise() {
    draw_norm(*norm1_);
    attn_->initialise();
    draw_norm(*norm2_);
    mlp_->initialise();
  }

 private:
  double eps_;
  double drop_path_;
  std::int64_t site_;
  bool shifted_;
  AffinePtr norm1_;
  std::shared_ptr<WindowAttention> attn_;
  AffinePtr norm2_;
  std::shared_ptr<SwinMlp> mlp_;
};

/// Four neighbours become one position of twice the width.
class PatchMerging final : public torch::nn::Module {
 public:
  PatchMerging(std::int64_t width, double eps) : eps_(eps) {
    norm_ = norm(*this, "norm", 4 * width);
    reduction_ = linear(*this, "reduction", 2 * width, 4 * width, false);
  }

  /// [B, H, W, width] -> [B, (H + 1) / 2, (W + 1) / 2, 2 width], odd sides being padded with zeros
  torch::Tensor forward(const torch::Tensor& x) const {
    const auto odd = x.size(1) % 2;
    const auto even = odd == 0 ? x : at::constant_pad_nd(x, {0, 0, 0, odd, 0, odd});
    const auto half = even.size(1) / 2;
    const auto fours = even.reshape({x.size(0), half, 2, half, 2, x.size(3)}).permute({0, 1, 3, 4, 2, 5}).flatten(3);
    return reduction_->linear(norm_->norm(fours, eps_));
  }

  void initialise() {
    draw_norm(*norm_);
    draw_linear(*reduction_);
  }

 private:
  double eps_;
  AffinePtr norm_;
  AffinePtr reduction_;
};

class Stage final : public torch::nn::Module {
 public:
  /// `first_block` counts the blocks of earlier stages.
  Stage(const SwinShape& swin, const StageShape& shape, std::int64_t first_block) {
    if (first_block > 0) {
      downsample_ = register_module("downsample", std::make_shared<PatchMerging>(shape.width / 2, swin.eps));
    }
    // Registered so that it moves with the parameters; it has none.
    const auto windows = register_module("windows", std::make_shared<Windows>(shape));
    const auto list = register_module("blocks", std::make_shared<torch::nn::Module>());
    for (std::int64_t i = 0; i < shape.depth; ++i) {
      auto block = std::make_shared<SwinBlock>(swin, shape, windows, first_block + i, i);
      blocks_.push_back(list->register_module(std::to_string(i), std::move(block)));
    }
  }

  /// Taps each block as `prefix`blocks.N.
  torch::Tensor forward(torch::Tensor x, const std::string& prefix, ForwardContext& context) const {
    if (downsample_) x = downsample_->forward(x);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto body = [block = blocks_[i], keys = keys_of(context)](torch::Tensor in) {
        return block->forward(in, keys);
      };
      x = context.tap(prefix + "blocks." + std::to_string(i), context.checkpoint(body, x));
    }
    return x;
  }

  void initialise() {
    if (downsample_) downsample_->initialise();
    for (const auto& block : blocks_) block->initialise();
  }

 private:
  std::shared_ptr<PatchMerging> downsample_;
  std::vector<std::shared_ptr<SwinBlock>> blocks_;
};

class PatchEmbed final : public torch::nn::Module {
 public:
  PatchEmbed(std::int64_t width, std::int64_t patch_size, double eps) : patch_size_(patch_size), eps_(eps) {
    proj_ = register_module("proj", std::make_shared<Affine>(at::IntArrayRef{width, 3, patch_size, patch_size}, true));
    norm_ = norm(*this, "norm", width);
  }

  // Patches do not overlap: a product with them laid out in rows is the convolution, in the order that blocks read.
  torch::Tensor forward(const torch::Tensor& pixels) const {
    const auto p = patch_size_, side = pixels.size(2) / p;
    const auto patches = pixels.reshape({pixels.size(0), 3, side, p, side, p}).permute({0, 2, 4, 1, 3, 5}).flatten(3);
    return norm_->norm(at::linear(patches, proj_->weight.flatten(1), proj_->bias), eps_);
  }

  void initialise() {
    proj_->initialise();
    draw_norm(*norm_);
  }

 private:
  std::int64_t patch_size_;
  double eps_;
  AffinePtr proj_;
  AffinePtr norm_;
};

class Trunk final : public torch::nn::Module {
 public:
  explicit Trunk(const SwinShape& shape) : eps_(shape.eps) {
    patch_embed_ = register_module(
        "patch_embed", std::make_shared<PatchEmbed>(shape.stages.front().width, shape.patch_size, shape.eps));
    const auto list = register_module("layers", std::make_shared<torch::nn::Module>());
    std::int64_t block = 0;
    for (const auto& stage : shape.stages) {
      auto layer = std::make_shared<Stage>(shape, stage, block);
      layers_.push_back(list->register_module(std::to_string(layers_.size()), std::move(layer)));
      block += stage.depth;
    }
    norm_ = norm(*this, "norm", shape.stages.back().width);
  }

  /// [B, 3, size, size] -> [B, width of the last stage]
  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) const {
    auto x = patch_embed_->forward(pixels);
    for (std::size_t s = 0; s < layers_.size(); ++s) {
      x = layers_[s]->forward(std::move(x), "visual.trunk.layers." + std::to_string(s) + ".", context);
    }
    return context.tap("visual.trunk.norm", norm_->norm(x, eps_)).mean({1, 2});
  }

  void initialise() {
    patch_embed_->initialise();
    for (const auto& layer : layers_) layer->initialise();
    draw_norm(*norm_);
  }

 private:
  double eps_;
  std::shared_ptr<PatchEmbed> patch_embed_;
  std::vector<std::shared_ptr<Stage>> layers_;
  AffinePtr norm_;
};

/// The trunk and the projection of its mean.
class SwinTower final : public ImageTower {
 public:
  SwinTower(const SwinShape& shape, std::int64_t embed_dim) : image_size_(shape.image_size) {
    trunk_ = register_module("trunk", std::make_shared<Trunk>(shape));
    const auto head = register_module("head", std::make_shared<torch::nn::Module>());
    proj_ = linear(*head, "proj", embed_dim, shape.stages.back().width, false);
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) override {
    check_shape("unicl", pixels, {3, image_size_, image_size_}, "encode_image", "pixels");
    return proj_->linear(trunk_->forward(pixels, context));
  }

  void initialise() override {
    trunk_->initialise();
    draw_linear(*proj_);
  }

 private:
  std::int64_t image_size_;
  std::shared_ptr<Trunk> trunk_;
  AffinePtr proj_;
};

}  // namespace dime::plugins::unicl
