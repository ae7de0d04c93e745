// SPDX-License-Identifier: Apache-2.0
// The config files that transformers and open_clip need beside weights.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "weights/model_facts.hpp"
#include "weights/model_sizes.hpp"

namespace dime {

/// All that a config says of a model.
struct ModelDescription {
  std::string family;
  ModelSizes sizes;
  std::int64_t image_heads = 0;
  std::int64_t text_heads = 0;
  std::string image_activation;
  std::string text_activation;
  double image_eps = 1e-5;
  double text_eps = 1e-5;
  bool text_causal = true;
  std::int64_t image_size = 0;  ///< 0: not known, of a tower whose shapes do not tell
  std::array<double, 3> mean{};
  std::array<double, 3> std{};
  std::string interpolation;
  std::string resize_mode;
  std::string dtype;  ///< of the weights, as torch calls it: "float32"

  /// The facts that dime's own metadata holds.
  std::string metadata() const;
};

/// What is asked for on the command line; 0: not.
struct AskedHeads {
  std::int64_t image = 0;
  std::int64_t text = 0;
};

/// Sizes from the shapes; the rest from `facts`, else CLIP's rules: heads that are 64 wide, quick_gelu, CLIP's mean and
/// std (SigLIP's: gelu_tanh, 0.5). `assumed` hears of each that was taken by rule. Throws WeightsError, `what` first,
/// for heads that do not divide the width.
ModelDescription describe_model(const std::string& family, const ModelSizes& sizes, const ModelFacts& facts,
                                const AskedHeads& heads, const std::string& what, std::vector<std::string>& assumed);

/// config.json: of CLIPModel or SiglipModel, or of the class of the one tower that is there. Throws WeightsError,
/// `what` first, where transformers has no class for it.
nlohmann::ordered_json huggingface_config(const ModelDescription& model, const std::string& what);
/// preprocessor_config.json.
nlohmann::ordered_json huggingface_preprocessor(const ModelDescription& model);
/// open_clip_config.json. Throws WeightsError, `what` first, where open_clip has no such model.
nlohmann::ordered_json open_clip_config(const ModelDescription& model, const std::string& what);

}  // namespace dime
