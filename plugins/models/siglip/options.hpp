// SPDX-License-Identifier: Apache-2.0
// The options of model `siglip`, and the sizes that follow from them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <dime/model.hpp>

#include "../text_options.hpp"

namespace dime::plugins::siglip {

inline constexpr Range ratio_range{0, 1024, true};

struct ImageOptions {
  std::optional<std::int64_t> image_size;
  std::optional<std::int64_t> patch_size;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> heads;
  std::optional<double> mlp_ratio;
  std::string activation = "gelu_tanh";
  double layer_norm_eps = 1e-6;
  double drop_path = 0;
  double patch_dropout = 0;

  static Schema<ImageOptions> schema() {
    return Schema<ImageOptions>("A vision transformer that a learnt query reads by attention.")
        .option("image_size", &ImageOptions::image_size, "Pixels on each side.", side_range)
        .option("patch_size", &ImageOptions::patch_size,
                "Pixels on each side of a patch; what is left over at the right and at the bottom is not read.",
                side_range)
        .option("width", &ImageOptions::width, "Width of the blocks.", width_range)
        .option("layers", &ImageOptions::layers, "Number of blocks.", count_range)
        .option("heads", &ImageOptions::heads, "Attention heads of a block; must divide width.", count_range)
        .option("mlp_ratio", &ImageOptions::mlp_ratio, "Width of the hidden layer, in widths; 4 by default.",
                ratio_range)
        .option("activation", &ImageOptions::activation, "gelu_tanh in SigLIP and transformers, gelu in open_clip.",
                one_of({"gelu_tanh", "gelu"}))
        .option("layer_norm_eps", &ImageOptions::layer_norm_eps, "Added to the variances.", eps_range)
        .option("drop_path", &ImageOptions::drop_path,
                "Stochastic depth: probability of the last block; earlier ones grow linearly from 0.", between(0, 0.9))
        .option("patch_dropout", &ImageOptions::patch_dropout, "The part of the patches that training leaves out.",
                between(0, 0.9));
  }
};

struct TextOptions {
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> heads;
  std::optional<double> mlp_ratio;
  std::optional<std::int64_t> context;
  std::int64_t vocabulary = 32000;
  std::string activation = "gelu_tanh";
  double layer_norm_eps = 1e-6;

  static Schema<TextOptions> schema() {
    return Schema<TextOptions>("A transformer without a mask that reads its last position.")
        .option("width", &TextOptions::width, "Width of the blocks.", width_range)
        .option("layers", &TextOptions::layers, "Number of blocks.", count_range)
        .option("heads", &TextOptions::heads, "Attention heads of a block; must divide width.", count_range)
        .option("mlp_ratio", &TextOptions::mlp_ratio, "Width of the hidden layer, in widths; 4 by default.",
                ratio_range)
        .option("context", &TextOptions::context, "Tokens of a text, all of which are read; 64 by default.",
                context_range)
        .option("vocabulary", &TextOptions::vocabulary, "Number of tokens.", vocabulary_range)
        .option("activation", &TextOptions::activation, "gelu_tanh in SigLIP and transformers, gelu in open_clip.",
                one_of({"gelu_tanh", "gelu"}))
        .option("layer_norm_eps", &TextOptions::layer_norm_eps, "Added to the variances.", eps_range);
  }
};

/// The sizes of a published model; both towers have the same blocks.
struct Preset {
  std::string_view name;
  std::int64_t image_size, patch_size, width, layers, heads;
  double mlp_ratio;
  std::int64_t context;
};

inline constexpr std::array<Preset, 9> presets{{
    {"ViT-B-16-SigLIP", 224, 16, 768, 12, 12, 4, 64},
    {"ViT-B-16-SigLIP-256", 256, 16, 768, 12, 12, 4, 64},
    {"ViT-B-16-SigLIP-384", 384, 16, 768, 12, 12, 4, 64},
    {"ViT-B-16-SigLIP-512", 512, 16, 768, 12, 12, 4, 64},
    {"ViT-L-16-SigLIP-256", 256, 16, 1024, 24, 16, 4, 64},
    {"ViT-L-16-SigLIP-384", 384, 16, 1024, 24, 16, 4, 64},
    {"ViT-SO400M-14-SigLIP", 224, 14, 1152, 27, 16, 3.7362, 16},
    {"ViT-SO400M-14-SigLIP-378", 378, 14, 1152, 27, 16, 3.7362, 64},
    {"ViT-SO400M-14-SigLIP-384", 384, 14, 1152, 27, 16, 3.7362, 64},
}};

inline std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& preset : presets) names.emplace_back(preset.name);
  return names;
}

struct Options {
  std::optional<std::string> preset;
  std::string towers = "both";
  std::optional<std::int64_t> embed_dim;
  std::optional<ImageOptions> image;
  std::optional<TextOptions> text;
  std::array<double, 3> mean{0.5, 0.5, 0.5};
  std::array<double, 3> std{0.5, 0.5, 0.5};
  std::string interpolation = "bicubic";
  std::string resize_mode = "squash";
  bool checkpointing = false;
  double logit_scale_init = 10;
  double logit_bias_init = -10;

  static Schema<Options> schema() {
    return Schema<Options>(
               "SigLIP with a vision transformer (arXiv 2303.15343), its parameters named as open_clip's. Either tower "
               "may be absent. Its texts need spiece.model, which `tokenizer` beside `init` names. Taps: "
               "visual.trunk.blocks.N and "
               "visual.trunk.norm [positions, width], visual.trunk.attn_pool [width].")
        .option("preset", &Options::preset, "Sizes of both towers; options that are given override it.",
                one_of(preset_names()))
        .option("towers", &Options::towers, "Which of the described towers are built.",
                one_of({"both", "image", "text"}))
        .option("embed_dim", &Options::embed_dim,
                "Width of the vectors that both towers give; by default the width of the image tower, or of the text "
                "tower where there is no other. An image tower of another width ends in a projection.",
                width_range)
        .option("image", &Options::image, "The image tower.")
        .option("text", &Options::text, "The text tower.")
        .option("mean", &Options::mean, "Of red, green and blue in [0, 1], as the image tower expects.")
        .option("std", &Options::std, "Likewise.", positive)
        .option("interpolation", &Options::interpolation, "The filter that images are resized with.",
                one_of({"bilinear", "bicubic"}))
        .option("resize_mode", &Options::resize_mode,
                "How an image becomes a square: by its shorter side and a cut, or by both sides.",
                one_of({"shortest", "squash"}))
        .option("checkpointing", &Options::checkpointing,
                "Compute each block again in backward: less memory, more time.")
        .option("logit_scale_init", &Options::logit_scale_init, "First value of the learnt scale of scores.", positive)
        .option("logit_bias_init", &Options::logit_bias_init, "First value of the learnt bias of scores.");
  }
};

/// The sizes of an image tower.
struct ImageShape {
  std::int64_t image_size = 0;
  std::int64_t patch_size = 0;
  double patch_dropout = 0;
  StackSpec stack;
};

/// What the options describe.
struct Shape {
  std::int64_t embed_dim = 0;
  std::optional<ImageShape> image;
  std::optional<TextShape> text;
};

namespace detail {

template <class Tower>
void fill_stack(Tower& tower, const Preset& preset) {
  fill(tower.width, preset.width);
  fill(tower.layers, preset.layers);
  fill(tower.heads, preset.heads);
  tower.mlp_ratio = tower.mlp_ratio.value_or(preset.mlp_ratio);
}

inline void apply_preset(Options& options) {
  for (const auto& preset : presets) {
    if (preset.name != *options.preset) continue;
    fill(options.embed_dim, preset.width);
    if (!options.image) options.image.emplace();
    fill_stack(*options.image, preset);
    fill(options.image->image_size, preset.image_size);
    fill(options.image->patch_size, preset.patch_size);
    if (!options.text) options.text.emplace();
    fill_stack(*options.text, preset);
    fill(options.text->context, preset.context);
  }
}

template <class Tower>
StackSpec blocks(const Tower& options, const std::string& tower) {
  StackSpec spec = stack("siglip", options, tower);
  spec.mlp_ratio = options.mlp_ratio.value_or(4);
  spec.activation = options.activation == "gelu" ? Activation::gelu : Activation::gelu_tanh;
  spec.layer_norm_eps = options.layer_norm_eps;
  if (spec.hidden() < 1) {
    throw ConfigError("[model/siglip] " + tower + ".mlp_ratio leaves nothing of " + tower + ".width (" +
                      std::to_string(spec.width) + "): raise it");
  }
  return spec;
}

inline ImageShape shape(const ImageOptions& options) {
  ImageShape all{given("siglip", options.image_size, "image.image_size"),
                 given("siglip", options.patch_size, "image.patch_size"), options.patch_dropout,
                 blocks(options, "image")};
  all.stack.drop_path = options.drop_path;
  if (all.patch_size > all.image_size) {
    throw ConfigError("[model/siglip] image.patch_size (" + std::to_string(all.patch_size) +
                      ") must not be more than image.image_size (" + std::to_string(all.image_size) + ")");
  }
  return all;
}

inline TextShape shape(const TextOptions& options) {
  return {options.context.value_or(64), options.vocabulary, blocks(options, "text")};
}

}  // namespace detail

/// Fills the options with their preset. Throws ConfigError for what is missing or does not fit.
inline Shape resolve(Options options) {
  if (options.preset) detail::apply_preset(options);
  Shape all;
  if (options.image && options.towers != "text") all.image = detail::shape(*options.image);
  if (options.text && options.towers != "image") all.text = detail::shape(*options.text);
  if (!all.image && !all.text) throw ConfigError("[model/siglip] has no tower: give image, text or preset");
  // A tower that is described and not built still says how wide the other one's vectors are.
  const auto width = options.image ? options.image->width : options.text->width;
  all.embed_dim = options.embed_dim ? *options.embed_dim : given("siglip", width, "embed_dim");
  return all;
}

}  // namespace dime::plugins::siglip
