// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>

#include "fastvit/tower.hpp"

namespace {

using dime::plugins::TextTower;
using dime::plugins::fastvit::Options;
using dime::plugins::fastvit::Trunk;

class FastVit final : public dime::Model {
 public:
  explicit FastVit(Options options) : options_(std::move(options)), shape_(dime::plugins::fastvit::resolve(options_)) {
    if (shape_.image) {
      const auto visual = register_module("visual", std::make_shared<torch::nn::Module>());
      trunk_ = visual->register_module("trunk", std::make_shared<Trunk>(*shape_.image, shape_.embed_dim));
    }
    if (shape_.text) {
      text_.emplace("fastvit", *shape_.text, shape_.embed_dim, *this);
      logit_scale_ = register_parameter("logit_scale", at::full({}, std::log(options_.logit_scale_init)));
    }
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = shape_.embed_dim;
    if (shape_.image) {
      all.image = {shape_.image->image_size, shape_.mean, shape_.std, shape_.interpolation, "gelu"};
    }
    if (shape_.text) {
      all.text = {shape_.text->context, shape_.text->vocabulary, "clip", options_.text->activation,
                  shape_.text->stack.heads};
    }
    return all;
  }

  torch::Tensor encode_image(const torch::Tensor& pixels, dime::ForwardContext& context) override {
    if (!trunk_) return Model::encode_image(pixels, context);
    const auto side = shape_.image->image_size;
    dime::plugins::check_shape("fastvit", pixels, {3, side, side}, "encode_image", "pixels");
    context.checkpointing |= options_.checkpointing;
    return trunk_->forward(pixels, context);
  }

  torch::Tensor encode_text(const torch::Tensor& tokens, dime::ForwardContext& context) override {
    if (!text_) return Model::encode_text(tokens, context);
    context.checkpointing |= options_.checkpointing;
    return text_->forward(tokens, context);
  }

  torch::Tensor logit_scale() const override { return dime::plugins::scale_of_scores(logit_scale_); }

  std::map<std::string, torch::Tensor> deployed() const override {
    if (!shape_.image || shape_.image->deployed) return {};
    return dime::plugins::fastvit::deployed_tensors(*this);
  }

  void initialise() override {
    const at::NoGradGuard guard;
    if (trunk_) trunk_->initialise();
    if (!text_) return;
    text_->initialise();
    logit_scale_.fill_(std::log(options_.logit_scale_init));
  }

 private:
  Options options_;
  dime::plugins::fastvit::Shape shape_;
  std::shared_ptr<Trunk> trunk_;
  std::optional<TextTower> text_;
  torch::Tensor logit_scale_;
};

}  // namespace

DIME_MODEL("fastvit", FastVit)
