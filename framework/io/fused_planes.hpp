// SPDX-License-Identifier: Apache-2.0
// A fused plan run on the planes of a JPEG: resampled as they are, then to colour and to numbers at once. Torch-free.
#pragma once

#include <array>

#include "io/fused_plan.hpp"
#include "io/jpeg_baseline.hpp"
#include "io/planar_image.hpp"

namespace dime {

/// What one thread keeps between images.
struct PlanarWorkspace {
  detail::JpegBaseline decoder;
  PlanarImage image;
  Lines narrow;                ///< resampled along the columns
  Lines turned;                ///< the same, transposed
  std::array<Lines, 3> small;  ///< the result's planes

  /// What the lines take of memory.
  std::size_t bytes() const;
};

/// Runs `plan` on workspace.image, which holds at least plan.needed(), and writes the result as float32
/// [3, height, width]: (v / 255 - mean) / std of values that were not rounded to whole numbers after the change of
/// colours.
DIME_API void write_fused_chw(const FusedPlan& plan, PlanarWorkspace& workspace, const detail::ChannelScales& scales,
                              float* out);

}  // namespace dime
