// SPDX-License-Identifier: Apache-2.0
// Runs an ImagePlan on an image. Torch-free.
#pragma once

#include <array>
#include <functional>

#include "io/image_plan.hpp"
#include "io/pixel_source.hpp"
#include "io/resample_kernels.hpp"

namespace dime {

/// What one thread keeps between images, so that nothing is allocated or computed twice.
struct ImageWorkspace {
  std::array<PixelBuffer, 3> buffers;
  detail::AxisCache axes;

  /// Where a plan's run takes its pixels from: at least those that plan.needed() names.
  PixelBuffer& input() { return buffers[0]; }
  /// What the buffers take of memory.
  std::size_t bytes() const { return buffers[0].bytes() + buffers[1].bytes() + buffers[2].bytes(); }
};

/// Pixels, perhaps still to be mirrored when they are used.
struct PlannedPixels {
  const PixelBuffer* pixels = nullptr;  ///< at least the whole result; lives in the workspace
  Size size;
  bool is_mirrored = false;
};

/// Runs `plan` step by step on workspace.input(). Each step gives the bytes that it would give on the whole image, but
/// only what the later steps need is computed.
DIME_API PlannedPixels run_exact(const ImagePlan& plan, ImageWorkspace& workspace);

/// Writes the result as float32 [3, height, width] to `out`: see normalize_to_chw for the arithmetic.
DIME_API void write_chw(const PlannedPixels& pixels, const detail::ChannelScales& scales, float* out);

/// Writes the result as packed RGB.
DIME_API void write_image(const PlannedPixels& pixels, Image& out);

}  // namespace dime
