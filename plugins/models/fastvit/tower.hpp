// SPDX-License-Identifier: Apache-2.0
// FastViT's image tower.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "blocks.hpp"

namespace dime::plugins::fastvit {

using ModulePtr = std::shared_ptr<torch::nn::Module>;
using Tensors = std::map<std::string, torch::Tensor>;

/// Halves the sides and widens.
class Downsample final : public torch::nn::Module {
 public:
  Downsample(std::int64_t in, const StageShape& stage, bool activation, const Form& form) {
    const auto width = stage.width;
    const auto proj = register_module("proj", std::make_shared<torch::nn::Module>());
    large_ = proj->register_module(
        "0", std::make_shared<LargeKernel>(ConvShape{in, width, 7, 2, in}, stage.squeeze, activation, form));
    one_ = proj->register_module("1", std::make_shared<MobileOne>(ConvShape{width, width}, MobileOneParts{}, form));
  }

  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const {
    return one_->forward(large_->forward(x, pass), pass);
  }

 private:
  std::shared_ptr<LargeKernel> large_;
  std::shared_ptr<MobileOne> one_;
};

/// What comes before the blocks of a stage, and these.
class Stage final : public torch::nn::Module {
 public:
  Stage(const ImageShape& image, std::size_t index, std::int64_t first_block, std::int64_t all_blocks) {
    const Form form{image.deployed, image.frozen};
    const auto& stage = image.stages[index];
    if (index > 0) {
      downsample_ = register_module("downsample", std::make_shared<Downsample>(image.stages[index - 1].width, stage,
                                                                               image.downsample_activation, form));
    }
    if (stage.positions) {
      pos_emb_ = register_module("pos_emb", std::make_shared<PositionEncoding>(stage.width, form));
    }
    const auto list = register_module("blocks", std::make_shared<torch::nn::Module>());
    for (std::int64_t i = 0; i < stage.depth; ++i) {
      const auto number = first_block + i;
      const double place = all_blocks > 1 ? static_cast<double>(number) / static_cast<double>(all_blocks - 1) : 1;
      const BlockShape shape{stage.width, stage.hidden, image.layer_scale, image.drop_path * place, 2 * number};
      blocks.push_back(stage.attention ? std::shared_ptr<Block>(std::make_shared<AttentionBlock>(shape, form))
                                       : std::make_shared<RepMixerBlock>(shape, form));
      list->register_module(std::to_string(i), blocks.back());
    }
  }

  torch::Tensor enter(const torch::Tensor& x, const Pass& pass) const {
    const auto y = downsample_ ? downsample_->forward(x, pass) : x;
    return pos_emb_ ? pos_emb_->forward(y) : y;
  }

  std::vector<std::shared_ptr<Block>> blocks;

 private:
  std::shared_ptr<Downsample> downsample_;
  std::shared_ptr<PositionEncoding> pos_emb_;
};

class Trunk final : public torch::nn::Module {
 public:
  Trunk(const ImageShape& shape, std::int64_t embed_dim) {
    const Form form{shape.deployed, shape.frozen};
    const auto first = shape.stages.front().width, last = shape.stages.back().width;
    const auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
    for (const auto& conv :
         {ConvShape{3, first, 3, 2}, ConvShape{first, first, 3, 2, first}, ConvShape{first, first}}) {
      stem_.push_back(stem->register_module(std::to_string(stem_.size()),
                                            std::make_shared<MobileOne>(conv, MobileOneParts{}, form)));
    }
    std::int64_t all_blocks = 0, block = 0;
    for (const auto& stage : shape.stages) all_blocks += stage.depth;
    const auto list = register_module("stages", std::make_shared<torch::nn::Module>());
    for (std::size_t i = 0; i < shape.stages.size(); block += shape.stages[i++].depth) {
      stages_.push_back(list->register_module(std::to_string(i), std::make_shared<Stage>(shape, i, block, all_blocks)));
    }
    MobileOneParts parts;
    parts.squeeze = reduced_channels(shape.final_width, 16, 1);
    final_conv_ = register_module(
        "final_conv", std::make_shared<MobileOne>(ConvShape{last, shape.final_width, 3, 1, last}, parts, form));
    const auto head = register_module("head", std::make_shared<torch::nn::Module>());
    fc_ = head->register_module("fc", std::make_shared<Affine>(at::IntArrayRef{embed_dim, shape.final_width}, true));
  }

  torch::Tensor forward(torch::Tensor x, ForwardContext& context) const {
    const Pass pass{keys_of(context)};
    for (const auto& one : stem_) x = one->forward(x, pass);
    x = context.tap("visual.trunk.stem", std::move(x));
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      x = stages_[i]->enter(x, pass);
      const auto prefix = "visual.trunk.stages." + std::to_string(i) + ".blocks.";
      for (std::size_t j = 0; j < stages_[i]->blocks.size(); ++j) {
        x = context.checkpoint(body(stages_[i]->blocks[j], pass.keys), std::move(x));
        x = context.tap(prefix + std::to_string(j), std::move(x));
      }
    }
    x = context.tap("visual.trunk.final_conv", final_conv_->forward(x, pass));
    return fc_->linear(context.tap("visual.trunk.head.global_pool", x.mean({2, 3})));
  }

  /// As timm draws them; a normal distribution that timm cuts at a hundred deviations is whole here.
  void initialise() {
    for (const auto& module : modules(false)) draw(*module);
    for (const auto& module : modules(false)) {
      if (const auto mlp = std::dynamic_pointer_cast<ConvMlp>(module)) mlp->initialise();
    }
  }

 private:
  static void draw(torch::nn::Module& module) {
    if (auto* conv = module.as<Conv>()) conv->initialise();
    if (auto* norm = module.as<BatchNorm>()) norm->initialise();
    if (auto* scale = module.as<LayerScale>()) scale->initialise();
    if (auto* linear = module.as<Affine>()) {
      linear->weight.normal_(0, 0.02);
      if (linear->bias.defined()) linear->bias.zero_();
    }
  }

  static ForwardContext keys_of(const ForwardContext& context) {
    ForwardContext keys;
    keys.training = context.training;
    keys.seed = context.seed;
    keys.step = context.step;
    keys.first_row = context.first_row;
    return keys;
  }

  // What runs again in backward owns all it needs, and counts the batch once.
  static std::function<torch::Tensor(torch::Tensor)> body(std::shared_ptr<Block> block, const ForwardContext& keys) {
    return [block = std::move(block), keys, counted = std::make_shared<bool>(false)](const torch::Tensor& x) {
      return block->forward(x, {keys, !std::exchange(*counted, true)});
    };
  }

  std::vector<std::shared_ptr<MobileOne>> stem_;
  std::vector<std::shared_ptr<Stage>> stages_;
  std::shared_ptr<MobileOne> final_conv_;
  AffinePtr fc_;
};

/// The trunk, where open_clip has it.
class TrunkTower final : public ImageTower {
 public:
  TrunkTower(const ImageShape& shape, std::int64_t embed_dim) : image_size_(shape.image_size) {
    trunk_ = register_module("trunk", std::make_shared<Trunk>(shape, embed_dim));
  }

  torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) override {
    check_shape("fastvit", pixels, {3, image_size_, image_size_}, "encode_image", "pixels");
    return trunk_->forward(pixels, context);
  }

  void initialise() override { trunk_->initialise(); }

 private:
  std::int64_t image_size_;
  std::shared_ptr<Trunk> trunk_;
};

namespace detail {

inline void erase_under(Tensors& tensors, const std::string& prefix) {
  const auto first = tensors.lower_bound(prefix);
  auto last = first;
  while (last != tensors.end() && last->first.starts_with(prefix)) ++last;
  tensors.erase(first, last);
}

}  // namespace detail

/// The tensors of `model`, those of branches merged.
inline Tensors deployed_tensors(const torch::nn::Module& model) {
  const at::NoGradGuard guard;
  Tensors all;
  for (const auto& p : model.named_parameters()) all[p.key()] = p.value().detach();
  for (const auto& b : model.named_buffers()) all[b.key()] = b.value();
  // A module comes before those within it, which go with its branches.
  for (const auto& item : model.named_modules("", false)) {
    const auto module = std::dynamic_pointer_cast<Reparam>(item.value());
    const auto prefix = item.key() + ".";
    const auto within = all.lower_bound(prefix);
    if (!module || within == all.end() || !within->first.starts_with(prefix)) continue;
    for (const auto& branch : module->branches()) detail::erase_under(all, prefix + branch + ".");
    auto merged = module->merged();
    all[prefix + "reparam_conv.weight"] = merged.weight.detach();
    all[prefix + "reparam_conv.bias"] = merged.bias.detach();
  }
  return all;
}

}  // namespace dime::plugins::fastvit
