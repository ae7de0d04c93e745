// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "torchscript/options.hpp"
#include "torchscript/tower.hpp"

namespace {

using dime::ArgumentError;
using dime::plugins::torchscript::at_place;
using dime::plugins::torchscript::Options;
using dime::plugins::torchscript::Script;
using dime::plugins::torchscript::Tower;

template <class O>
std::shared_ptr<Tower> make_tower(const O& options, const char* name, bool autocast, const torch::Tensor& blank) {
  return at_place(options.file.mark, [&] {
    auto tower = std::make_shared<Tower>(Script(options.file.path, name, options.method, options.output), autocast);
    tower->try_rows(blank);
    return tower;
  });
}

std::string widths(const Tower& tower) {
  return tower.script().name() + " gives vectors of " + std::to_string(tower.width()) + " numbers";
}

void check_input(const torch::Tensor& x, at::IntArrayRef row, const char* function, const char* what) {
  if (x.dim() == static_cast<std::int64_t>(row.size()) + 1 && x.sizes().slice(1) == row) return;
  throw ArgumentError(std::string("[model/torchscript] ") + function + " takes " + what + " [rows, " +
                      c10::str(row).substr(1) + ", got " + c10::str(x.sizes()));
}

void check_tokens(const torch::Tensor& tokens, std::int64_t vocabulary) {
  if (tokens.numel() == 0 || tokens.is_meta()) return;
  const auto facts = at::stack({tokens.min(), tokens.max()}).cpu();
  const auto* data = facts.const_data_ptr<std::int64_t>();
  if (data[0] >= 0 && data[1] < vocabulary) return;
  throw ArgumentError("[model/torchscript] encode_text takes tokens from 0 to " + std::to_string(vocabulary - 1) +
                      ", got " + std::to_string(data[0] < 0 ? data[0] : data[1]) +
                      "; the tokenizer and text.vocabulary must agree");
}

class TorchScript final : public dime::Model {
 public:
  explicit TorchScript(Options options) : options_(std::move(options)) {
    if (const auto& image = options_.image) {
      const auto blank = at::zeros({1, 3, image->image_size, image->image_size});
      image_ = register_module("visual", make_tower(*image, "image", options_.autocast, blank));
    }
    if (const auto& text = options_.text) {
      const auto blank = at::zeros({1, text->context}, at::kLong);
      text_ = register_module("text", make_tower(*text, "text", options_.autocast, blank));
    }
    if (!image_ && !text_) throw dime::ConfigError("[model/torchscript] has no tower: give image, text or both");
    if (image_) check_width(*image_, options_.image->file.mark);
    if (text_) check_width(*text_, options_.text->file.mark);
    if (options_.logit_scale) logit_scale_ = register_buffer("logit_scale", at::full({}, *options_.logit_scale));
  }

  static dime::Schema<Options> schema() { return Options::schema(); }

  dime::ModelSpec spec() const override {
    dime::ModelSpec all;
    all.embed_dim = (image_ ? image_ : text_)->width();
    if (const auto& image = options_.image) {
      all.image = {image->image_size, image->mean, image->std, image->interpolation};
      all.image->resize_mode = image->resize_mode;
    }
    if (const auto& text = options_.text) all.text = {text->context, text->vocabulary, text->tokenizer, ""};
    return all;
  }

  torch::Tensor encode_image(const torch::Tensor& pixels, dime::ForwardContext& context) override {
    if (!image_) return Model::encode_image(pixels, context);
    const auto side = options_.image->image_size;
    check_input(pixels, {3, side, side}, "encode_image", "pixels");
    return image_->encode(pixels);
  }

  torch::Tensor encode_text(const torch::Tensor& tokens, dime::ForwardContext& context) override {
    if (!text_) return Model::encode_text(tokens, context);
    check_input(tokens, {options_.text->context}, "encode_text", "tokens");
    check_tokens(tokens, options_.text->vocabulary);
    return text_->encode(tokens);
  }

  torch::Tensor logit_scale() const override { return logit_scale_; }

  bool brings_weights() const override { return true; }

 private:
  void check_width(const Tower& tower, const dime::Mark& mark) const {
    at_place(mark, [&] {
      if (options_.embed_dim && tower.width() != *options_.embed_dim) {
        throw ArgumentError(widths(tower) + ", embed_dim is " + std::to_string(*options_.embed_dim));
      }
      if (image_ && tower.width() != image_->width()) {
        throw ArgumentError(widths(tower) + ", the image tower " + std::to_string(image_->width()));
      }
    });
  }

  Options options_;
  std::shared_ptr<Tower> image_;
  std::shared_ptr<Tower> text_;
  torch::Tensor logit_scale_;
};

}  // namespace

DIME_MODEL("torchscript", TorchScript)
