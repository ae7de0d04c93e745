// SPDX-License-Identifier: Apache-2.0
// What all models of an image tower, a text tower or both do alike.
#pragma once

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <dime/model.hpp>

namespace dime::plugins {

/// One encoder of a model.
class Tower {
 public:
  Tower() = default;
  Tower(const Tower&) = delete;
  Tower& operator=(const Tower&) = delete;
  virtual ~Tower() = default;
  /// As Model's encode_image, or encode_text, says.
  virtual torch::Tensor forward(const torch::Tensor& input, ForwardContext& context) = 0;
  /// Draws weights as the public implementation does.
  virtual void initialise() = 0;
};

/// Gives vectors for pixels. Its parameters are named as those of `visual`.
class ImageTower : public torch::nn::Module, public Tower {
 public:
  /// Its tables of positions, named within the tower.
  virtual std::vector<PositionTable> positions() const { return {}; }
};

/// exp(logarithm), at most 100 as CLIP caps it; undefined as `logarithm` is.
inline torch::Tensor scale_of_scores(const torch::Tensor& logarithm) {
  if (!logarithm.defined()) return {};
  const auto scale = logarithm.exp();
  // Capped by a constant: the gradient stays, so that the scale can come down again.
  return scale - (scale.detach() - 100).clamp_min(0);
}

/// A model of the towers that it is given. Beside a text tower it has `logit_scale`.
class TwoTowers : public Model {
 public:
  torch::Tensor encode_image(const torch::Tensor& pixels, ForwardContext& context) override {
    if (!visual_) return Model::encode_image(pixels, context);
    context.checkpointing |= checkpointing_;
    return visual_->forward(pixels, context);
  }

  torch::Tensor encode_text(const torch::Tensor& tokens, ForwardContext& context) override {
    if (!text_) return Model::encode_text(tokens, context);
    context.checkpointing |= checkpointing_;
    return text_->forward(tokens, context);
  }

  torch::Tensor logit_scale() const override { return scale_of_scores(logit_scale_); }

  std::vector<PositionTable> position_tables() const override {
    auto tables = visual_ ? visual_->positions() : std::vector<PositionTable>{};
    for (auto& table : tables) table.name.insert(0, "visual.");
    return tables;
  }

  void initialise() override {
    const at::NoGradGuard guard;
    if (visual_) visual_->initialise();
    if (!text_) return;
    text_->initialise();
    logit_scale_.fill_(std::log(logit_scale_init_));
  }

 protected:
  /// `checkpointing`: blocks are computed again in backward. `logit_scale_init`: the first scale, not its logarithm.
  TwoTowers(bool checkpointing, double logit_scale_init)
      : checkpointing_(checkpointing), logit_scale_init_(logit_scale_init) {}

  void add_image(std::shared_ptr<ImageTower> tower) { visual_ = register_module("visual", std::move(tower)); }

  /// `tower` has its parameters registered already, where the model's names want them.
  void add_text(std::shared_ptr<Tower> tower) {
    text_ = std::move(tower);
    logit_scale_ = register_parameter("logit_scale", at::full({}, std::log(logit_scale_init_)));
  }

  /// The learnt logarithm of the scale; undefined without a text tower.
  const torch::Tensor& log_scale() const { return logit_scale_; }

 private:
  bool checkpointing_;
  double logit_scale_init_;
  std::shared_ptr<ImageTower> visual_;
  std::shared_ptr<Tower> text_;
  torch::Tensor logit_scale_;
};

}  // namespace dime::plugins
