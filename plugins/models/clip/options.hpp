// SPDX-License-Identifier: Apache-2.0
// The options of model `clip`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <dime/model.hpp>

#include "../text_options.hpp"
#include "presets.hpp"

namespace dime::plugins::clip {

/// The blocks of a vision transformer, or those of the four stages of a residual network.
struct Layers {
  std::int64_t blocks = 0;
  std::optional<std::array<std::int64_t, 4>> stages;
};

}  // namespace dime::plugins::clip

namespace dime::detail {

/// One integer, or a list of four, as open_clip's configuration has it.
template <>
struct OptionType<plugins::clip::Layers> {
  using Stages = OptionType<std::array<std::int64_t, 4>>;
  static std::string type() { return "integer or " + Stages::type(); }
  static std::string print(const plugins::clip::Layers& x) {
    return x.stages ? Stages::print(*x.stages) : std::to_string(x.blocks);
  }
  static void read(const Value& v, plugins::clip::Layers& out, const FieldRules& r, const std::string& what,
                   Problems& p) {
    if (v.is_list()) return Stages::read(v, out.stages.emplace(), r, what, p);
    if (v.is_scalar()) return OptionType<std::int64_t>::read(v, out.blocks, r, what, p);
    p.add(v.mark(), what + " takes an " + type() + ", got " + v.describe());
  }
};

}  // namespace dime::detail

namespace dime::plugins::clip {

struct ImageOptions {
  std::optional<std::int64_t> image_size;
  std::optional<std::int64_t> patch_size;
  std::optional<std::int64_t> width;
  std::optional<Layers> layers;
  std::optional<std::int64_t> heads;
  double mlp_ratio = 4;
  std::string activation = "quick_gelu";
  double layer_norm_eps = 1e-5;
  double drop_path = 0;
  double patch_dropout = 0;
  bool freeze_statistics = false;

  static Schema<ImageOptions> schema() {
    return Schema<ImageOptions>(
               "A vision transformer that reads its class token, or CLIP's residual network (ModifiedResNet), where "
               "`layers` has four numbers: anti-aliased strides, batch normalisation and attention pooling.")
        .option("image_size", &ImageOptions::image_size, "Pixels on each side.", side_range)
        .option("patch_size", &ImageOptions::patch_size, "Pixels on each side of a patch; of vision transformers.",
                side_range)
        .option("width", &ImageOptions::width,
                "Width of the blocks; of a residual network the channels of its stem, a 32nd of those at its end.",
                width_range)
        .option("layers", &ImageOptions::layers,
                "Number of blocks: one number, or the four of a residual network's stages, as [3, 4, 6, 3].",
                count_range)
        .option("heads", &ImageOptions::heads,
                "Attention heads of a block, which must divide width; of a residual network those of the pooling, "
                "which must divide 32 widths.",
                count_range)
        .option("mlp_ratio", &ImageOptions::mlp_ratio, "Width of the hidden layer, in widths; of vision transformers.",
                Range{0, 1024, true})
        .option("activation", &ImageOptions::activation, "quick_gelu in OpenAI's weights; of vision transformers.",
                one_of({"quick_gelu", "gelu"}))
        .option("layer_norm_eps", &ImageOptions::layer_norm_eps, "Added to the variances; of vision transformers.",
                eps_range)
        .option("drop_path", &ImageOptions::drop_path,
                "Stochastic depth: probability of the last block; earlier ones grow linearly from 0.", between(0, 0.9))
        .option("patch_dropout", &ImageOptions::patch_dropout,
                "Share of the patches that each image loses in training (arXiv 2212.00794): less time and memory; of "
                "vision transformers.",
                between(0, 0.95))
        .option("freeze_statistics", &ImageOptions::freeze_statistics,
                "Batch normalisation keeps the statistics of the weights, in training too; of residual networks. "
                "train.micro_batch_size needs it.");
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
               "CLIP with a vision transformer or a residual network (arXiv 2103.00020), its parameters named as "
               "OpenAI's. Either tower may be absent. Taps of a vision transformer: visual.ln_pre and "
               "visual.transformer.resblocks.N [positions, width], visual.ln_post [width]; of a residual network: "
               "visual.layerS.N, S from 1 to 4 [channels, height, width].")
        .option("preset", &Options::preset, "Sizes of both towers; options that are given override it.",
                one_of(preset_names()))
        .option("towers", &Options::towers, "Which of the described towers are built.",
                one_of({"both", "image", "text"}))
        .option("embed_dim", &Options::embed_dim, "Width of the vectors that both towers give.", width_range)
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
                "Compute each block again in backward: less memory, more time. Statistics of batches are taken once.")
        .option("logit_scale_init", &Options::logit_scale_init,
                "First value of the learnt scale of scores, which never acts above 100.", positive);
  }
};

}  // namespace dime::plugins::clip
