// SPDX-License-Identifier: Apache-2.0
// The options of model `torchscript`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <dime/model.hpp>

namespace dime::plugins::torchscript {

/// A path, and where the experiment states it.
struct File {
  Path path;
  Mark mark;
};

}  // namespace dime::plugins::torchscript

namespace dime::detail {

template <>
struct OptionType<plugins::torchscript::File> {
  static std::string type() { return OptionType<Path>::type(); }
  static std::string print(const plugins::torchscript::File& x) { return OptionType<Path>::print(x.path); }
  static void read(const Value& v, plugins::torchscript::File& out, const FieldRules& r, const std::string& what,
                   Problems& p) {
    OptionType<Path>::read(v, out.path, r, what, p);
    out.mark = v.mark();
  }
};

}  // namespace dime::detail

namespace dime::plugins::torchscript {

constexpr const char* file_help =
    "What torch.jit.save wrote. It is a program: loading it, which dime check does too, runs it with your rights.";
constexpr const char* method_help = "The method that is called with the inputs alone.";
constexpr const char* output_help =
    "Where the method gives a tuple, list or dict: the number (from 0) or the name of its vectors.";

struct ImageOptions {
  File file;
  std::string method = "forward";
  std::string output;
  std::int64_t image_size = 0;
  std::array<double, 3> mean{};
  std::array<double, 3> std{1, 1, 1};
  std::string interpolation = "bicubic";
  std::string resize_mode = "shortest";

  static Schema<ImageOptions> schema() {
    return Schema<ImageOptions>("A module that takes pixels [rows, 3, image_size, image_size], normalised.")
        .option("file", &ImageOptions::file, file_help, required)
        .option("method", &ImageOptions::method, method_help)
        .option("output", &ImageOptions::output, output_help)
        .option("image_size", &ImageOptions::image_size, "Pixels on each side.", required, between(1, 8192))
        .option("mean", &ImageOptions::mean, "Of red, green and blue in [0, 1], as the module expects.", required)
        .option("std", &ImageOptions::std, "Likewise.", required, positive)
        .option("interpolation", &ImageOptions::interpolation, "The filter that images are resized with.",
                one_of({"bilinear", "bicubic"}))
        .option("resize_mode", &ImageOptions::resize_mode,
                "How an image becomes a square: by its shorter side and a cut, or by both sides.",
                one_of({"shortest", "squash"}));
  }
};

struct TextOptions {
  File file;
  std::string method = "forward";
  std::string output;
  std::int64_t context = 77;
  std::int64_t vocabulary = 49408;
  std::string tokenizer = "clip";

  static Schema<TextOptions> schema() {
    return Schema<TextOptions>("A module that takes tokens [rows, context], int64, 0 after the end of the text.")
        .option("file", &TextOptions::file, file_help, required)
        .option("method", &TextOptions::method, method_help)
        .option("output", &TextOptions::output, output_help)
        .option("context", &TextOptions::context, "Tokens of a text.", between(1, 65536))
        .option("vocabulary", &TextOptions::vocabulary, "Number of tokens.", between(1, 1 << 22))
        .option("tokenizer", &TextOptions::tokenizer,
                "What makes tokens of a text: clip, or siglip with its file in `tokenizer` of the model.");
  }
};

struct Options {
  std::optional<ImageOptions> image;
  std::optional<TextOptions> text;
  std::optional<std::int64_t> embed_dim;
  std::optional<double> logit_scale;
  bool autocast = false;

  static Schema<Options> schema() {
    return Schema<Options>(
               "Encoders that Python exported with torch.jit.trace or torch.jit.script and torch.jit.save, as a "
               "teacher "
               "or another frozen tower: nothing in them is trained, and a student of this type is refused. No taps. "
               "Such a file is a program: loading it runs it with your rights, so take it only from whom you trust.")
        .option("image", &Options::image, "The image tower.")
        .option("text", &Options::text, "The text tower.")
        .option("embed_dim", &Options::embed_dim, "Width of the vectors; left out, it is what the files give.",
                between(1, 65536))
        .option("logit_scale", &Options::logit_scale, "The scale of scores as used (100 in CLIP); none by default.",
                positive)
        .option("autocast", &Options::autocast,
                "Let train.precision act inside too; by default the files compute in the types they were saved in.");
  }
};

}  // namespace dime::plugins::torchscript
