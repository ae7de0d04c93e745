// SPDX-License-Identifier: Apache-2.0
// The options of model `fastvit`, and the sizes that follow from them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <dime/model.hpp>

#include "../text_options.hpp"

namespace dime::plugins::fastvit {

inline constexpr Range stage_range = between(0, 7);
inline constexpr Range ratio_range{0, 1024, true};
inline constexpr std::size_t most_stages = 8;
inline constexpr std::int64_t head_width = 32;  // of an attention head

struct ImageOptions {
  std::int64_t image_size = 256;
  std::optional<std::vector<std::int64_t>> widths;
  std::optional<std::vector<std::int64_t>> depths;
  std::optional<std::vector<double>> mlp_ratios;
  std::optional<std::vector<std::string>> mixers;
  std::optional<std::vector<std::int64_t>> position_stages;
  std::optional<std::vector<std::int64_t>> squeeze_stages;
  std::optional<bool> downsample_activation;
  double final_ratio = 2;
  double layer_scale = 1e-5;
  double drop_path = 0;
  bool freeze_statistics = false;

  static Schema<ImageOptions> schema() {
    using O = ImageOptions;
    return Schema<O>("FastViT: convolutions in stages, each of half the side of the one before.")
        .option("image_size", &O::image_size, "Pixels on each side.", side_range)
        .option("widths", &O::widths,
                "Channels of each stage, a multiple of those of the stage before, and of 32 where it attends.",
                width_range)
        .option("depths", &O::depths, "Number of blocks of each stage.", count_range)
        .option("mlp_ratios", &O::mlp_ratios, "Width of the hidden layer of each stage, in widths.", ratio_range)
        .option("mixers", &O::mixers, "What mixes positions in each stage; repmixer throughout if absent.",
                one_of({"repmixer", "attention"}))
        .option("position_stages", &O::position_stages,
                "Stages, from 0, that begin with a position encoding; if absent, those that attend.", stage_range)
        .option("squeeze_stages", &O::squeeze_stages,
                "Stages, from 1, whose downsampling weighs its channels (squeeze and excite); if absent, none.",
                stage_range)
        .option("downsample_activation", &O::downsample_activation,
                "Whether the large convolutions between stages end in GELU; false if absent.")
        .option("final_ratio", &O::final_ratio, "Width of the last convolution, in widths of the last stage.",
                ratio_range)
        .option("layer_scale", &O::layer_scale, "First value of the learnt scales of the branches.", positive)
        .option("drop_path", &O::drop_path,
                "Stochastic depth: probability of the last block; earlier ones grow linearly from 0.", between(0, 0.9))
        .option("freeze_statistics", &O::freeze_statistics,
                "Normalise by the stored statistics in training too, and leave them as they are.");
  }
};

struct Options {
  std::optional<std::string> preset;
  std::string towers = "both";
  std::string form = "train";
  std::optional<std::int64_t> embed_dim;
  std::optional<ImageOptions> image;
  std::optional<TextOptions> text;
  std::optional<std::array<double, 3>> mean;
  std::optional<std::array<double, 3>> std;
  std::optional<std::string> interpolation;
  std::string resize_mode = "shortest";
  bool checkpointing = false;
  double logit_scale_init = 1 / 0.07;

  static Schema<Options> schema() {
    return Schema<Options>(
               "FastViT as the image tower of MobileCLIP (arXiv 2303.14189, 2311.17049), its tensors named as "
               "open_clip names those of timm's; with CLIP's text tower where `text` is given. It keeps statistics of "
               "the batch. Taps: visual.trunk.stem, visual.trunk.stages.N.blocks.N and visual.trunk.final_conv "
               "[channels, height, width], visual.trunk.head.global_pool [channels].")
        .option("preset", &Options::preset,
                "Sizes of the image tower; options that are given override it. Widths of the vectors are MobileCLIP's.",
                one_of({"fastvit_t8", "fastvit_t12", "fastvit_s12", "fastvit_sa12", "fastvit_mci0", "fastvit_mci1",
                        "fastvit_mci2"}))
        .option("towers", &Options::towers, "Which of the described towers are built.",
                one_of({"both", "image", "text"}))
        .option("form", &Options::form,
                "`train` has the branches of training; `deployed` one convolution in their place, as in timm's "
                "re-parameterised models.",
                one_of({"train", "deployed"}))
        .option("embed_dim", &Options::embed_dim, "Width of the vectors that both towers give.", width_range)
        .option("image", &Options::image, "The image tower.")
        .option("text", &Options::text, "The text tower.")
        .option("mean", &Options::mean,
                "Of red, green and blue in [0, 1], as the image tower expects; if absent, ImageNet's for the presets "
                "that timm trained on it (t8, t12, s12, sa12), else 0, as in MobileCLIP.")
        .option("std", &Options::std, "Likewise; else 1.", positive)
        .option("interpolation", &Options::interpolation,
                "The filter that images are resized with; if absent, bicubic for those presets, else bilinear.",
                one_of({"bilinear", "bicubic"}))
        .option("resize_mode", &Options::resize_mode,
                "How an image becomes a square: by its shorter side and a cut, or by both sides.",
                one_of({"shortest", "squash"}))
        .option("checkpointing", &Options::checkpointing,
                "Compute each block again in backward: less memory, more time.")
        .option("logit_scale_init", &Options::logit_scale_init,
                "First value of the learnt scale of scores, which never acts above 100.", positive);
  }
};

struct StageShape {
  std::int64_t width = 0;
  std::int64_t depth = 0;
  std::int64_t hidden = 0;  ///< width of the hidden layer
  bool attention = false;
  bool positions = false;
  bool squeeze = false;
};

struct ImageShape {
  std::int64_t image_size = 0;
  std::vector<StageShape> stages;
  std::int64_t final_width = 0;
  bool downsample_activation = false;
  double layer_scale = 0;
  double drop_path = 0;
  bool deployed = false;
  bool frozen = false;
};

/// What the options describe.
struct Shape {
  std::int64_t embed_dim = 0;
  std::optional<ImageShape> image;
  std::optional<TextShape> text;
  std::array<double, 3> mean{0, 0, 0};
  std::array<double, 3> std{1, 1, 1};
  std::string interpolation = "bilinear";
  std::string resize_mode = "shortest";
};

namespace detail {

/// The sizes that papers and timm name.
struct Preset {
  const char* name;
  std::array<std::int64_t, 4> depths;
  std::int64_t width;  // of the first stage; each stage doubles it
  double mlp_ratio;
  bool attention;  // in the last stage
  bool mobileclip;
};

inline constexpr std::array<Preset, 7> presets{{
    {"fastvit_t8", {2, 2, 4, 2}, 48, 3, false, false},
    {"fastvit_t12", {2, 2, 6, 2}, 64, 3, false, false},
    {"fastvit_s12", {2, 2, 6, 2}, 64, 4, false, false},
    {"fastvit_sa12", {2, 2, 6, 2}, 64, 4, true, false},
    {"fastvit_mci0", {2, 6, 10, 2}, 64, 3, true, true},
    {"fastvit_mci1", {4, 12, 20, 4}, 64, 3, true, true},
    {"fastvit_mci2", {4, 12, 24, 4}, 80, 3, true, true},
}};

inline const Preset* find_preset(const Options& options) {
  for (const auto& preset : presets) {
    if (options.preset && *options.preset == preset.name) return &preset;
  }
  return nullptr;
}

template <class T>
void fill(std::optional<T>& option, T value) {
  if (!option) option = std::move(value);
}

inline void apply_preset(const Preset& preset, Options& options) {
  fill<std::int64_t>(options.embed_dim, 512);
  if (!options.image) options.image.emplace();
  auto& image = *options.image;
  const auto w = preset.width;
  fill(image.widths, {w, 2 * w, 4 * w, 8 * w});
  fill(image.depths, {preset.depths.begin(), preset.depths.end()});
  fill(image.mlp_ratios, std::vector<double>(4, preset.mlp_ratio));
  fill(image.mixers, {"repmixer", "repmixer", "repmixer", preset.attention ? "attention" : "repmixer"});
  if (preset.mobileclip) fill(image.squeeze_stages, {2, 3});
  fill(image.downsample_activation, preset.mobileclip);
  if (preset.mobileclip) return;
  fill(options.mean, {0.485, 0.456, 0.406});
  fill(options.std, {0.229, 0.224, 0.225});
  fill<std::string>(options.interpolation, "bicubic");
}

template <class T>
const std::vector<T>& list(const std::optional<std::vector<T>>& option, const std::string& name, std::size_t stages) {
  if (!option) throw ConfigError("[model/fastvit] needs image." + name + ": give it, or a preset");
  if (stages > 0 && option->size() != stages) {
    throw ConfigError("[model/fastvit] image." + name + " has " + std::to_string(option->size()) +
                      " items, image.widths has " + std::to_string(stages) + ": each takes one for each stage");
  }
  return *option;
}

inline void mark(const std::vector<std::int64_t>& listed, const std::string& name, std::int64_t first,
                 std::vector<StageShape>& stages, bool StageShape::*flag) {
  const auto count = static_cast<std::int64_t>(stages.size());
  for (const auto stage : listed) {
    if (stage < first || stage >= count) {
      throw ConfigError("[model/fastvit] image." + name + " takes stages from " + std::to_string(first) + " to " +
                        std::to_string(count - 1) + ", got " + std::to_string(stage));
    }
    stages[static_cast<std::size_t>(stage)].*flag = true;
  }
}

inline std::int64_t part(std::int64_t width, double ratio, const std::string& name) {
  const auto product = static_cast<std::int64_t>(static_cast<double>(width) * ratio);
  if (product >= 1) return product;
  throw ConfigError("[model/fastvit] image." + name + " leaves no channel of " + std::to_string(width));
}

inline std::vector<StageShape> stages(const ImageOptions& options) {
  const auto& widths = list(options.widths, "widths", 0);
  if (widths.empty() || widths.size() > most_stages) {
    throw ConfigError("[model/fastvit] image.widths takes 1 to 8 stages, got " + std::to_string(widths.size()));
  }
  const auto& depths = list(options.depths, "depths", widths.size());
  const auto& ratios = list(options.mlp_ratios, "mlp_ratios", widths.size());
  const auto item = [](std::size_t i) { return "item " + std::to_string(i + 1) + " of image.widths"; };
  std::vector<StageShape> all;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    all.push_back({widths[i], depths[i], part(widths[i], ratios[i], "mlp_ratios")});
    if (i > 0) check_divides("fastvit", widths[i - 1], item(i - 1), widths[i], item(i));
    if (!options.mixers || list(options.mixers, "mixers", widths.size())[i] != "attention") continue;
    all[i].attention = true;
    all[i].positions = !options.position_stages;
    check_divides("fastvit", head_width, "the width of a head", widths[i], item(i));
  }
  if (options.position_stages) {
    mark(*options.position_stages, "position_stages", 0, all, &StageShape::positions);
  }
  // Nothing is sampled down before the first stage but the stem.
  if (options.squeeze_stages) mark(*options.squeeze_stages, "squeeze_stages", 1, all, &StageShape::squeeze);
  return all;
}

inline ImageShape image_shape(const Options& options) {
  const auto& image = *options.image;
  ImageShape all;
  all.image_size = image.image_size;
  all.stages = stages(image);
  all.final_width = part(all.stages.back().width, image.final_ratio, "final_ratio");
  check_divides("fastvit", all.stages.back().width, "the last of image.widths", all.final_width,
                "the width of the last convolution");
  all.downsample_activation = image.downsample_activation.value_or(false);
  all.layer_scale = image.layer_scale;
  all.drop_path = image.drop_path;
  all.deployed = options.form == "deployed";
  all.frozen = image.freeze_statistics;
  return all;
}

}  // namespace detail

/// Fills the options with their preset. Throws ConfigError for what is missing or does not fit.
inline Shape resolve(Options options) {
  if (const auto* preset = detail::find_preset(options)) detail::apply_preset(*preset, options);
  Shape all;
  if (options.image && options.towers != "text") all.image = detail::image_shape(options);
  if (options.text && options.towers != "image") all.text = text_shape("fastvit", *options.text);
  if (!all.image && !all.text) throw ConfigError("[model/fastvit] has no tower: give image, text or preset");
  all.embed_dim = given("fastvit", options.embed_dim, "embed_dim");
  all.mean = options.mean.value_or(all.mean);
  all.std = options.std.value_or(all.std);
  all.interpolation = options.interpolation.value_or(all.interpolation);
  all.resize_mode = options.resize_mode;
  return all;
}

}  // namespace dime::plugins::fastvit
