// SPDX-License-Identifier: Apache-2.0
// The options and sizes of CLIP's text tower, and what the options of all models of this folder share. `model` is the
// name of the plugin, for its messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <dime/model.hpp>

#include "transformer.hpp"

namespace dime::plugins {

// No model is larger; a slip in a size is refused before memory is asked for.
inline constexpr Range width_range = between(1, 65536);
inline constexpr Range count_range = between(1, 1024);
inline constexpr Range side_range = between(1, 8192);
inline constexpr Range context_range = between(1, 65536);
inline constexpr Range vocabulary_range = between(1, 1 << 22);
inline constexpr Range eps_range{0, 1, true};

struct TextOptions {
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> heads;
  std::int64_t context = 77;
  std::int64_t vocabulary = 49408;
  std::string activation = "quick_gelu";
  double layer_norm_eps = 1e-5;
  bool causal = true;

  static Schema<TextOptions> schema() {
    return Schema<TextOptions>("A transformer that reads the end-of-text token.")
        .option("width", &TextOptions::width, "Width of the blocks.", width_range)
        .option("layers", &TextOptions::layers, "Number of blocks.", count_range)
        .option("heads", &TextOptions::heads, "Attention heads of a block; must divide width.", count_range)
        .option("context", &TextOptions::context, "Tokens of a text.", context_range)
        .option("vocabulary", &TextOptions::vocabulary, "Number of tokens; the end of text is the last.",
                vocabulary_range)
        .option("activation", &TextOptions::activation, "quick_gelu in OpenAI's weights.",
                one_of({"quick_gelu", "gelu"}))
        .option("layer_norm_eps", &TextOptions::layer_norm_eps, "Added to the variances.", eps_range)
        .option("causal", &TextOptions::causal,
                "Whether a position sees itself and those before it only; false in MobileCLIP-S1 and S2.");
  }
};

/// The sizes of a text tower.
struct TextShape {
  std::int64_t context = 0;
  std::int64_t vocabulary = 0;
  StackSpec stack;
};

inline void fill(std::optional<std::int64_t>& option, std::int64_t value) { option = option.value_or(value); }

inline std::int64_t given(const std::string& model, const std::optional<std::int64_t>& option,
                          const std::string& name) {
  if (!option) throw ConfigError("[model/" + model + "] needs " + name + ": give it, or a preset");
  return *option;
}

inline void check_divides(const std::string& model, std::int64_t part, const std::string& part_name, std::int64_t whole,
                          const std::string& whole_name) {
  if (whole % part == 0) return;
  throw ConfigError("[model/" + model + "] " + part_name + " (" + std::to_string(part) + ") must divide " + whole_name +
                    " (" + std::to_string(whole) + ")");
}

template <class Tower>
StackSpec stack(const std::string& model, const Tower& options, const std::string& tower) {
  StackSpec spec;
  spec.width = given(model, options.width, tower + ".width");
  spec.layers = given(model, options.layers, tower + ".layers");
  spec.heads = given(model, options.heads, tower + ".heads");
  spec.activation = options.activation == "gelu" ? Activation::gelu : Activation::quick_gelu;
  check_divides(model, spec.heads, tower + ".heads", spec.width, tower + ".width");
  return spec;
}

inline TextShape text_shape(const std::string& model, const TextOptions& options) {
  TextShape all{options.context, options.vocabulary, stack(model, options, "text")};
  all.stack.causal = options.causal;
  all.stack.layer_norm_eps = options.layer_norm_eps;
  return all;
}

/// What a text tower of this shape says of itself.
inline TextSpec text_spec(const TextShape& shape) {
  const char* activation = shape.stack.activation == Activation::gelu ? "gelu" : "quick_gelu";
  return {shape.context,     shape.vocabulary, "clip", activation, shape.stack.heads, shape.stack.layer_norm_eps,
          shape.stack.causal};
}

}  // namespace dime::plugins
