// SPDX-License-Identifier: Apache-2.0
// The sizes of model `clip` that follow from its options.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "options.hpp"

namespace dime::plugins::clip {

/// The sizes of a vision transformer.
struct VitShape {
  std::int64_t image_size = 0;
  std::int64_t patch_size = 0;
  StackSpec stack;
  double patch_dropout = 0;
};

/// The sizes of a residual network.
struct ResNetShape {
  std::int64_t image_size = 0;
  std::int64_t width = 0;
  std::array<std::int64_t, 4> layers{};
  std::int64_t heads = 0;
  double drop_path = 0;
  bool freeze_statistics = false;
};

using ImageShape = std::variant<VitShape, ResNetShape>;

/// What the options describe.
struct Shape {
  std::int64_t embed_dim = 0;
  std::optional<ImageShape> image;
  std::optional<TextShape> text;
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& what) { throw ConfigError("[model/clip] " + what); }

inline void apply_preset(const Preset& preset, ImageOptions& image) {
  if (image.layers && image.layers->stages.has_value() != preset.residual()) {
    refuse(std::string("image.layers describes a ") +
           (preset.residual() ? "vision transformer, preset " : "residual network, preset ") +
           std::string(preset.name) + (preset.residual() ? " a residual network" : " a vision transformer") +
           ": leave one of them out");
  }
  fill(image.image_size, preset.image_size);
  fill(image.width, preset.width);
  fill(image.heads, preset.heads);
  if (!preset.residual()) fill(image.patch_size, preset.patch_size);
  if (image.layers) return;
  image.layers.emplace();
  if (preset.residual()) {
    image.layers->stages = preset.layers;
  } else {
    image.layers->blocks = preset.layers[0];
  }
}

inline void apply_preset(Options& options) {
  const Preset& preset = preset_of(*options.preset);
  fill(options.embed_dim, preset.embed_dim);
  if (!options.image) options.image.emplace();
  apply_preset(preset, *options.image);
  if (!options.text) options.text.emplace();
  fill(options.text->width, preset.text_width);
  fill(options.text->layers, 12);
  fill(options.text->heads, preset.text_width / 64);
}

// An option of the other kind of tower would act in nothing.
inline void refuse_vit_options(const ImageOptions& options) {
  const ImageOptions none;
  const auto check = [](bool free, const char* name) {
    if (!free) {
      refuse(std::string("image.") + name +
             " is an option of vision transformers, but image.layers has the four numbers of a residual network");
    }
  };
  check(!options.patch_size, "patch_size");
  check(options.mlp_ratio == none.mlp_ratio, "mlp_ratio");
  check(options.activation == none.activation, "activation");
  check(options.layer_norm_eps == none.layer_norm_eps, "layer_norm_eps");
  check(options.patch_dropout == none.patch_dropout, "patch_dropout");
}

inline std::int64_t needed(const std::optional<std::int64_t>& option, const char* name) {
  return given("clip", option, std::string("image.") + name);
}

inline StackSpec stack(const ImageOptions& options) {
  StackSpec spec;
  spec.width = needed(options.width, "width");
  if (!options.layers) needed({}, "layers");
  spec.layers = options.layers->blocks;
  spec.heads = needed(options.heads, "heads");
  spec.mlp_ratio = options.mlp_ratio;
  spec.activation = options.activation == "gelu" ? Activation::gelu : Activation::quick_gelu;
  spec.layer_norm_eps = options.layer_norm_eps;
  spec.drop_path = options.drop_path;
  check_divides("clip", spec.heads, "image.heads", spec.width, "image.width");
  return spec;
}

inline VitShape vit(const ImageOptions& options) {
  if (options.freeze_statistics) {
    refuse(
        "image.freeze_statistics is an option of residual networks, but image.layers has the one number of a "
        "vision transformer");
  }
  const VitShape all{needed(options.image_size, "image_size"), needed(options.patch_size, "patch_size"), stack(options),
                     options.patch_dropout};
  check_divides("clip", all.patch_size, "image.patch_size", all.image_size, "image.image_size");
  return all;
}

inline ResNetShape resnet(const ImageOptions& options) {
  refuse_vit_options(options);
  const ResNetShape all{needed(options.image_size, "image_size"),
                        needed(options.width, "width"),
                        *options.layers->stages,
                        needed(options.heads, "heads"),
                        options.drop_path,
                        options.freeze_statistics};
  check_divides("clip", 32, "a residual network's stride", all.image_size, "image.image_size");
  if (all.width % 2 != 0 || all.width > 2048) {
    refuse("image.width of a residual network must be even and at most 2048, got " + std::to_string(all.width));
  }
  check_divides("clip", all.heads, "image.heads", 32 * all.width, "32 times image.width");
  return all;
}

inline ImageShape shape(const ImageOptions& options) {
  if (options.layers && options.layers->stages) return resnet(options);
  return vit(options);
}

}  // namespace detail

/// Fills the options with their preset. Throws ConfigError for what is missing, does not divide or is of another kind
/// of tower.
inline Shape resolve(Options options) {
  if (options.preset) detail::apply_preset(options);
  Shape all;
  if (options.image && options.towers != "text") all.image = detail::shape(*options.image);
  if (options.text && options.towers != "image") all.text = text_shape("clip", *options.text);
  if (!all.image && !all.text) throw ConfigError("[model/clip] has no tower: give image, text or preset");
  all.embed_dim = given("clip", options.embed_dim, "embed_dim");
  return all;
}

}  // namespace dime::plugins::clip
