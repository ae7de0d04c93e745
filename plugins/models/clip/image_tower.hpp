// SPDX-License-Identifier: Apache-2.0
// What CLIP's image towers have in common.
#pragma once

#include "../text_tower.hpp"
#include "shape.hpp"

namespace dime::plugins::clip {

/// Gives vectors for pixels. Its parameters are named as those of OpenAI's `visual`.
class ImageTower : public torch::nn::Module {
 public:
  /// pixels [B, 3, size, size] -> [B, embed_dim]. Throws ArgumentError for another shape.
  virtual torch::Tensor forward(const torch::Tensor& pixels, ForwardContext& context) = 0;
  /// Its table of positions, named within the tower.
  virtual PositionTable positions() const = 0;
  /// Draws weights as OpenAI's code does.
  virtual void initialise() = 0;
};

}  // namespace dime::plugins::clip
