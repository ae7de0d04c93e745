// SPDX-License-Identifier: Apache-2.0
// The inner loops of the planar way, one set for each kind of processor; all give the same bytes.
#pragma once

#include <array>
#include <cstdint>

#include "io/planar_image.hpp"
#include "io/resample_kernels.hpp"

namespace dime::detail {

/// A row of Y, Cb and Cr.
using YccRow = std::array<const std::uint8_t*, 3>;

/// A pixel's value v, 0 to 255, becomes v * factor + offset.
struct ChannelLine {
  float factor = 1;
  float offset = 0;
};
using ChannelLines = std::array<ChannelLine, 3>;

/// (v / 255 - mean) / std as a line.
ChannelLines channel_lines(const ChannelScales& scales);

struct PlanarKernels {
  /// Writes `width` pixels to rows of R, G and B: the colours of ITU-R BT.601, cut to 0 to 255, then by `lines`.
  void (*colour)(const YccRow& row, int width, const ChannelLines& lines, const std::array<float*, 3>& out);
  /// To be called after the rows of an image were written, before another thread reads them.
  void (*settle)();
};

const PlanarKernels& portable_planar_kernels();
/// The portable ones where the processor or the build has no AVX2.
const PlanarKernels& avx2_planar_kernels();
/// The fastest of this machine.
const PlanarKernels& planar_kernels();

/// Shapes `out` and turns lines into columns.
void transpose(const Lines& in, Lines& out);

}  // namespace dime::detail
