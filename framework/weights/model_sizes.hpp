// SPDX-License-Identifier: Apache-2.0
// The sizes of a model, read off its tensors' shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/timm_trunk.hpp"

namespace dime {

/// A transformer tower.
struct TowerSizes {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;      ///< of the MLP
  std::int64_t image_size = 0;  ///< of an image tower: positions of a square grid times patch
  std::int64_t patch = 0;
  std::int64_t context = 0;  ///< of a text tower
  std::int64_t vocabulary = 0;
  std::vector<std::int64_t> stages;  ///< of a ResNet: its blocks; then width is its first
};

struct ModelSizes {
  std::optional<TowerSizes> image;
  std::optional<TowerSizes> text;
  TimmTrunk trunk;             ///< the image tower of UniCL or FastViT, of which `image` says nothing
  std::int64_t image_dim = 0;  ///< the width of the vectors that a tower gives
  std::int64_t text_dim = 0;
};

/// Throws WeightsError that names the tensor that is missing or has a shape that no such model has, `what` first.
ModelSizes sizes_of(const ShapesByName& shapes, const std::string& what);

}  // namespace dime
