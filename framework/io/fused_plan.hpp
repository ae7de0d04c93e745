// SPDX-License-Identifier: Apache-2.0
// All resizes and crops of a plan as one resampling. Torch-free.
#pragma once

#include <optional>

#include "io/image_pipeline.hpp"
#include "io/image_plan.hpp"

namespace dime {

/// The axis of the same pixels `factor` times as coarse.
AxisMap coarser(const AxisMap& map, int factor);

/// The steps of a plan as one resampling by the filter of the last resize.
struct FusedPlan {
  AxisMap rows;
  AxisMap columns;
  Filter filter = Filter::bilinear;
  bool is_mirrored = false;

  /// Nothing for a plan with other steps than resize, crop and flip, or without a resize.
  static std::optional<FusedPlan> of(const ImagePlan& plan);
  /// How many source pixels stand for one output pixel, on the axis where they are fewer.
  double shrink() const;
  /// The same plan for a source that was decoded at 1 / `factor` of its size.
  FusedPlan scaled(int factor) const;
  /// What is needed of the source.
  Box needed() const;
};

/// Runs `plan` on workspace.input(), which holds at least plan.needed().
DIME_API PlannedPixels run_fused(const FusedPlan& plan, ImageWorkspace& workspace);

}  // namespace dime
