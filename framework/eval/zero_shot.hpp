// SPDX-License-Identifier: Apache-2.0
// Zero-shot classification: the class whose sentences are nearest (CLIP's protocol, as ELEVATER runs it).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <dime/model.hpp>
#include <nlohmann/json.hpp>

#include "data/stream.hpp"
#include "eval/classes.hpp"
#include "train/encode.hpp"

namespace dime {

/// What one model scored.
struct ZeroShotScore {
  double accuracy = 0;        ///< top-1, a share of 1
  double mean_per_class = 0;  ///< mean of the classes' recalls
  std::int64_t samples = 0;
  double images_per_second = 0;  ///< decoding, encoding and scoring
  nlohmann::ordered_json json() const;
};

/// [classes, d] float32: for each class the mean of its sentences' normalised vectors, normalised again. Throws
/// TrainError when they are not finite.
torch::Tensor class_weights(Model& text, const ClassPrompts& prompts, const Tokenizer& tokenizer,
                            const EncodeOptions& options);

/// Top-1 of `image` over all rows of `reader`, which must give pixels and labels. Throws DataError for a label outside
/// the classes, TrainError for vectors that are not finite.
ZeroShotScore zero_shot(Model& image, const torch::Tensor& weights, Reader& reader, const EncodeOptions& options);

}  // namespace dime
