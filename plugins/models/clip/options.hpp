// SPDX-License-Identifier: Apache-2.0
// The options of model `clip`, and the sizes that follow from them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <dime/model.hpp>

#include "../text_options.hpp"

namespace dime::plugins::clip {

struct ImageOptions {
  std::optional<std::int64_t> image_size;
  std::optional<std::int64_t> patch_size;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> heads;
  double mlp_ratio = 4;
  std::string activation = "quick_gelu";
  double drop_path = 0;

  static Schema<ImageOptions> schema() {
    return Schema<ImageOptions>("A vision transformer that reads its class token.")
        .option("image_size", &ImageOptions::image_size, "Pixels on each side.", side_range)
        .option("patch_size", &ImageOptions::patch_size, "Pixels on each side of a patch.", side_range)
        .option("width", &ImageOptions::width, "Width of the blocks.", width_range)
        .option("layers", &ImageOptions::layers, "Number of blocks.", count_range)
        .option("heads", &ImageOptions::heads, "Attention heads of a block; must divide width.", count_range)
        .option("mlp_ratio", &ImageOptions::mlp_ratio, "Width of the hidden layer, in widths.", Range{0, 1024, true})
        .option("activation", &ImageOptions::activation, "quick_gelu in OpenAI's weights.",
                one_of({"quick_gelu", "gelu"}))
        .option("drop_path", &ImageOptions::drop_path,
                "Stochastic depth: probability of the last block; earlier ones grow linearly from 0.", between(0, 0.9));
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
  bool checkpointing = false;
  double logit_scale_init = 1 / 0.07;

  static Schema<Options> schema() {
    return Schema<Options>(
               "CLIP with a vision transformer (arXiv 2103.00020), its parameters named as OpenAI's. Either tower may "
               "be "
               "absent. Taps: visual.ln_pre and visual.transformer.resblocks.N [positions, width], visual.ln_post "
               "[width].")
        .option("preset", &Options::preset, "Sizes of both towers; options that are given override it.",
                one_of({"ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"}))
        .option("towers", &Options::towers, "Which of the described towers are built.",
                one_of({"both", "image", "text"}))
        .option("embed_dim", &Options::embed_dim, "Width of the vectors that both towers give.", width_range)
        .option("image", &Options::image, "The image tower.")
        .option("text", &Options::text, "The text tower.")
        .option("mean", &Options::mean, "Of red, green and blue in [0, 1], as the image tower expects.")
        .option("std", &Options::std, "Likewise.", positive)
        .option("checkpointing", &Options::checkpointing,
                "Compute each block again in backward: less memory, more time.")
        .option("logit_scale_init", &Options::logit_scale_init,
                "First value of the learnt scale of scores, which never acts above 100.", positive);
  }
};

/// The sizes of an image tower.
struct ImageShape {
  std::int64_t image_size = 0;
  std::int64_t patch_size = 0;
  StackSpec stack;
};

/// What the options describe.
struct Shape {
  std::int64_t embed_dim = 0;
  std::optional<ImageShape> image;
  std::optional<TextShape> text;
};

namespace detail {

inline void apply_preset(Options& options) {
  const bool large = options.preset->starts_with("ViT-L");
  fill(options.embed_dim, large ? 768 : 512);
  if (!options.image) options.image.emplace();
  fill(options.image->image_size, options.preset->ends_with("-336") ? 336 : 224);
  fill(options.image->patch_size, large ? 14 : *options.preset == "ViT-B-16" ? 16 : 32);
  fill(options.image->width, large ? 1024 : 768);
  fill(options.image->layers, large ? 24 : 12);
  fill(options.image->heads, large ? 16 : 12);
  if (!options.text) options.text.emplace();
  fill(options.text->width, large ? 768 : 512);
  fill(options.text->layers, 12);
  fill(options.text->heads, large ? 12 : 8);
}

inline ImageShape shape(const ImageOptions& options) {
  ImageShape all{given("clip", options.image_size, "image.image_size"),
                 given("clip", options.patch_size, "image.patch_size"), stack("clip", options, "image")};
  all.stack.mlp_ratio = options.mlp_ratio;
  all.stack.drop_path = options.drop_path;
  check_divides("clip", all.patch_size, "image.patch_size", all.image_size, "image.image_size");
  return all;
}

}  // namespace detail

/// Fills the options with their preset. Throws ConfigError for what is missing or does not divide.
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
