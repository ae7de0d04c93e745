// SPDX-License-Identifier: Apache-2.0
// The inner loops of resampling, one set for each kind of processor; all give the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/resample_weights.hpp"

namespace dime::detail {

/// Rows of bytes in memory.
struct Rows {
  const std::uint8_t* data;
  std::size_t stride;
};
struct RowsOut {
  std::uint8_t* data;
  std::size_t stride;
};

/// How a channel's byte x becomes a number: (x / 255 - mean) / std, as three roundings to float32.
struct ChannelScale {
  float mean = 0;
  float std = 1;
  float reciprocal = 1;    ///< of std
  bool multiplies = true;  ///< division by std may be done as two multiply-adds: the same for every byte
};
ChannelScale channel_scale(float mean, float std);
using ChannelScales = std::array<ChannelScale, 3>;

/// Whether rows of numbers begin where a cache line does.
inline bool are_lines(const std::array<float*, 3>& rows) {
  constexpr std::uintptr_t line = 64;
  const auto begins = [](const float* row) { return reinterpret_cast<std::uintptr_t>(row) % line == 0; };
  return begins(rows[0]) && begins(rows[1]) && begins(rows[2]);
}

/// Inputs may be read, and outputs written, up to PixelBuffer::kRoom bytes before and past each row.
struct ResampleKernels {
  /// Fills `packed` and what belongs to it.
  void (*pack)(AxisWeights& axis);
  /// Resizes `count` rows of packed RGB along their columns: outputs from <= x < to of `axis`. `in` begins at input
  /// pixel `origin`.
  void (*columns)(const Rows& in, int count, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out);
  /// Resizes `samples` bytes of each row along the rows: outputs from <= y < to of `axis`. `in` begins at input row
  /// `origin`.
  void (*rows)(const Rows& in, int origin, std::size_t samples, const AxisWeights& axis, int from, int to,
               const RowsOut& out);
  /// Writes `width` RGB pixels to three rows of floats. `mirrored` takes them from right to left.
  void (*normalize)(const std::uint8_t* rgb, int width, bool mirrored, const ChannelScales& scales,
                    const std::array<float*, 3>& out);
  /// To be called after the rows of an image were written by `normalize`, before another thread reads them.
  void (*settle)();
};

const ResampleKernels& portable_kernels();
/// The portable ones where the processor or the build has no AVX2.
const ResampleKernels& avx2_kernels();
/// Those of AVX2 where the processor or the build has no AVX-512 with byte shuffles and byte products.
const ResampleKernels& avx512_kernels();
/// The fastest of this machine.
const ResampleKernels& resample_kernels();

}  // namespace dime::detail
