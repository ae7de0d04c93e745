// SPDX-License-Identifier: Apache-2.0
// The options of model `unicl`, and the sizes that follow from them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <dime/model.hpp>

#include "../text_options.hpp"

namespace dime::plugins::unicl {

struct ImageOptions {
  std::optional<std::int64_t> image_size;
  std::int64_t patch_size = 4;
  std::optional<std::int64_t> width;
  std::optional<std::vector<std::int64_t>> depths;
  std::optional<std::vector<std::int64_t>> heads;
  std::int64_t window = 7;
  double mlp_ratio = 4;
  std::optional<double> drop_path;
  double layer_norm_eps = 1e-5;

  static Schema<ImageOptions> schema() {
    return Schema<ImageOptions>("A Swin transformer, whose positions are averaged.")
        .option("image_size", &ImageOptions::image_size, "Pixels on each side.", side_range)
        .option("patch_size", &ImageOptions::patch_size, "Pixels on each side of a patch; must divide image_size.",
                side_range)
        .option("width", &ImageOptions::width, "Width of the first stage; each later one doubles it.", width_range)
        .option("depths", &ImageOptions::depths, "Number of blocks of each stage.", count_range)
        .option("heads", &ImageOptions::heads, "Attention heads in a block of each stage; must divide its width.",
                count_range)
        .option("window", &ImageOptions::window,
                "Positions on each side of a window; a stage that has no more is one window.", between(1, 64))
        .option("mlp_ratio", &ImageOptions::mlp_ratio, "Width of the hidden layer, in widths.", Range{0, 1024, true})
        .option("drop_path", &ImageOptions::drop_path,
                "Stochastic depth: probability of the last block; earlier ones grow linearly from 0. 0 without a "
                "preset.",
                between(0, 0.9))
        .option("layer_norm_eps", &ImageOptions::layer_norm_eps, "Added to the variances.", eps_range);
  }
};

struct Options {
  std::optional<std::string> preset;
  std::string towers = "both";
  std::optional<std::int64_t> embed_dim;
  std::optional<ImageOptions> image;
  std::optional<TextOptions> text;
  std::array<double, 3> mean = ImageSpec{}.mean;
  std::array<double, 3> std = ImageSpec{}.std;
  std::string interpolation = "bicubic";
  std::string resize_mode = "shortest";
  bool checkpointing = false;
  double logit_scale_init = 1 / 0.07;

  static Schema<Options> schema() {
    return Schema<Options>(
               "UniCL (arXiv 2204.03610): a Swin transformer (arXiv 2103.14030) with a projection, and CLIP's text "
               "tower. Its parameters are named as open_clip's for a Swin of timm. Either tower may be absent. Taps: "
               "visual.trunk.layers.S.blocks.B and visual.trunk.norm [height, width of the grid, width].")
        .option("preset", &Options::preset,
                "Sizes of both towers and drop_path (0.2, 0.3, 0.5); options that are given override it.",
                one_of({"swin_tiny", "swin_small", "swin_base"}))
        .option("towers", &Options::towers, "Which of the described towers are built.",
                one_of({"both", "image", "text"}))
        .option("embed_dim", &Options::embed_dim,
                "Width of the vectors that both towers give. In a preset 768, as of a teacher ViT-L-14.", width_range)
        .option("image", &Options::image, "The image tower.")
        .option("text", &Options::text, "The text tower.")
        .option(
            "mean", &Options::mean,
            "Of red, green and blue in [0, 1], as the image tower expects: CLIP's. (DIME-FM evaluates its Swin with "
            "ImageNet's: [0.485, 0.456, 0.406].)")
        .option("std", &Options::std, "Likewise. (ImageNet's: [0.229, 0.224, 0.225].)", positive)
        .option("interpolation", &Options::interpolation, "The filter that images are resized with.",
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

/// The sizes of one stage of a Swin transformer.
struct StageShape {
  std::int64_t side = 0;  ///< positions on each side
  std::int64_t width = 0;
  std::int64_t depth = 0;
  std::int64_t heads = 0;
  std::int64_t window = 0;  ///< positions on each side of a window
  std::int64_t shift = 0;   ///< of the windows of every second block; 0: one window holds all, or windows of one
};

/// The sizes of a Swin transformer.
struct SwinShape {
  std::int64_t image_size = 0;
  std::int64_t patch_size = 0;
  std::vector<StageShape> stages;
  double mlp_ratio = 4;
  double drop_path = 0;
  double eps = 1e-5;

  std::int64_t blocks() const {
    std::int64_t all = 0;
    for (const auto& stage : stages) all += stage.depth;
    return all;
  }
  /// Of block `block` of all; grows linearly from 0.
  double drop_path_of(std::int64_t block) const {
    return blocks() > 1 ? drop_path * static_cast<double>(block) / static_cast<double>(blocks() - 1) : drop_path;
  }
};

/// What the options describe.
struct Shape {
  std::int64_t embed_dim = 0;
  std::optional<SwinShape> image;
  std::optional<TextShape> text;
};

namespace detail {

template <class T>
void fill_with(std::optional<T>& option, T value) {
  if (!option) option = std::move(value);
}

inline void apply_preset(Options& options) {
  const bool tiny = *options.preset == "swin_tiny", base = *options.preset == "swin_base";
  fill(options.embed_dim, 768);
  if (!options.image) options.image.emplace();
  auto& image = *options.image;
  fill(image.image_size, 224);
  fill(image.width, base ? 128 : 96);
  fill_with(image.depths, {2, 2, tiny ? 6 : 18, 2});
  fill_with(image.heads, base ? std::vector<std::int64_t>{4, 8, 16, 32} : std::vector<std::int64_t>{3, 6, 12, 24});
  fill_with(image.drop_path, tiny ? 0.2 : base ? 0.5 : 0.3);
  if (!options.text) options.text.emplace();
  fill(options.text->width, 512);
  fill(options.text->layers, 12);
  fill(options.text->heads, 8);
}

[[noreturn]] inline void refuse(const std::string& what) { throw ConfigError("[model/unicl] " + what); }

inline const std::vector<std::int64_t>& given_list(const std::optional<std::vector<std::int64_t>>& option,
                                                   const std::string& name) {
  if (!option) refuse("needs " + name + ": give it, or a preset");
  if (option->empty() || option->size() > 8) {
    refuse(name + " takes 1 to 8 stages, got " + std::to_string(option->size()));
  }
  return *option;
}

inline std::vector<StageShape> stage_shapes(const ImageOptions& options, std::int64_t grid) {
  const auto& depths = given_list(options.depths, "image.depths");
  const auto& heads = given_list(options.heads, "image.heads");
  if (heads.size() != depths.size()) {
    refuse("image.heads has " + std::to_string(heads.size()) + " stages, image.depths has " +
           std::to_string(depths.size()) + ": give one number for each stage");
  }
  std::vector<StageShape> all;
  std::int64_t side = grid;
  for (std::size_t s = 0; s < depths.size(); ++s) {
    auto& stage = all.emplace_back();
    stage.side = side;
    stage.window = std::min(side, options.window);
    stage.shift = side > options.window ? options.window / 2 : 0;
    stage.width = given("unicl", options.width, "image.width") << s;
    stage.depth = depths[s];
    stage.heads = heads[s];
    const std::string of = " of stage " + std::to_string(s + 1);
    check_divides("unicl", stage.heads, "image.heads" + of, stage.width, "the width" + of);
    if (!width_range.holds(static_cast<double>(stage.width))) {
      refuse("the width" + of + " is " + std::to_string(stage.width) + ": none may be above " +
             std::to_string(static_cast<std::int64_t>(width_range.high)));
    }
    side = (side + 1) / 2;
  }
  return all;
}

inline SwinShape swin_shape(const ImageOptions& options) {
  SwinShape all;
  all.image_size = given("unicl", options.image_size, "image.image_size");
  all.patch_size = options.patch_size;
  check_divides("unicl", all.patch_size, "image.patch_size", all.image_size, "image.image_size");
  all.stages = stage_shapes(options, all.image_size / all.patch_size);
  all.mlp_ratio = options.mlp_ratio;
  all.drop_path = options.drop_path.value_or(0);
  all.eps = options.layer_norm_eps;
  return all;
}

}  // namespace detail

/// Fills the options with their preset. Throws ConfigError for what is missing or does not fit.
inline Shape resolve(Options options) {
  if (options.preset) detail::apply_preset(options);
  Shape all;
  if (options.image && options.towers != "text") all.image = detail::swin_shape(*options.image);
  if (options.text && options.towers != "image") all.text = text_shape("unicl", *options.text);
  if (!all.image && !all.text) detail::refuse("has no tower: give image, text or preset");
  all.embed_dim = given("unicl", options.embed_dim, "embed_dim");
  return all;
}

}  // namespace dime::plugins::unicl
