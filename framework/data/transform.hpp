// SPDX-License-Identifier: Apache-2.0
// Image transforms as a checked list. Torch-free. A new transform is one class and one line in transform_list.cpp.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <dime/random.hpp>
#include <dime/schema.hpp>

#include "io/image_plan.hpp"
#include "io/resample_kernels.hpp"

namespace dime {

struct ImageSpec;

/// Adds its steps to a plan for an image of plan.size(); draws only from `random`. Throws RowError when the image
/// cannot be used.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual void add(ImagePlan& plan, CounterRandom& random) const = 0;
};

/// How pixels in 0..255 become floats.
struct Normalisation {
  std::array<double, 3> mean{0, 0, 0};
  std::array<double, 3> std{1, 1, 1};
};

enum class Resampling {
  exact,  ///< each resize of its own, as published
  fused,  ///< resizes and crops as one resampling from the source's pixels
};

/// A list of transforms that ends in float pixels.
class TransformList {
 public:
  TransformList() = default;
  /// `normalisation` stands where the list has no normalize. Throws ConfigError; the same mistakes as `check`.
  explicit TransformList(const std::vector<Component>& list, const Normalisation& normalisation = {},
                         Resampling resampling = Resampling::exact);

  /// Adds the mistakes of `list` to `problems`: unknown types, wrong options, a normalize that is not last.
  static void check(const std::vector<Component>& list, Problems& problems);
  /// The resize, and the centre crop if there is one, that a model expects of its input. Throws ConfigError for a
  /// `resize_mode` that is none of ImageSpec's.
  static std::vector<Component> evaluation_steps(const ImageSpec& spec);

  /// What the list does to an image of `size`: a pure function of the size and of `random`.
  ImagePlan plan(const Size& size, CounterRandom& random) const;
  const Normalisation& normalisation() const { return normalisation_; }
  Resampling resampling() const { return resampling_; }
  /// The normalisation for the kernels.
  const detail::ChannelScales& scales() const { return scales_; }

 private:
  std::vector<std::shared_ptr<const Transform>> steps_;
  Normalisation normalisation_;
  detail::ChannelScales scales_;
  Resampling resampling_ = Resampling::exact;
};

/// What `dime describe` prints of the transforms: name and schema.
std::vector<std::pair<std::string, std::shared_ptr<const SchemaBase>>> transform_schemas();

}  // namespace dime
