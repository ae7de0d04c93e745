// SPDX-License-Identifier: Apache-2.0
// Image transforms as a checked list. Torch-free. A new transform is one class and one line in transform_list.cpp.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <dime/random.hpp>
#include <dime/schema.hpp>

#include "io/image.hpp"

namespace dime {

/// Changes an image in place; draws only from `random`.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual void apply(Image& image, CounterRandom& random) const = 0;
};

/// How pixels in 0..255 become floats.
struct Normalisation {
  std::array<double, 3> mean{0, 0, 0};
  std::array<double, 3> std{1, 1, 1};
};

/// A list of transforms that ends in float pixels.
class TransformList {
 public:
  TransformList() = default;
  /// `normalisation` stands where the list has no normalize. Throws ConfigError; the same mistakes as `check`.
  explicit TransformList(const std::vector<Component>& list, const Normalisation& normalisation = {});

  /// Adds the mistakes of `list` to `problems`: unknown types, wrong options, a normalize that is not last.
  static void check(const std::vector<Component>& list, Problems& problems);
  /// The resize (bicubic, shorter side) and centre crop that a model of this image size expects of its input.
  static std::vector<Component> evaluation_steps(std::int64_t size);

  /// Runs the list, then writes [3, H, W] float32 to `out`, which holds height x width pixels; the image must have that
  /// size by then. Throws RowError when it has not.
  void run(Image& image, CounterRandom& random, int height, int width, float* out) const;
  /// Runs the list without writing pixels.
  void run(Image& image, CounterRandom& random) const;
  const Normalisation& normalisation() const { return normalisation_; }

 private:
  std::vector<std::shared_ptr<const Transform>> steps_;
  Normalisation normalisation_;
};

/// What `dime describe` prints of the transforms: name and schema.
std::vector<std::pair<std::string, std::shared_ptr<const SchemaBase>>> transform_schemas();

}  // namespace dime
