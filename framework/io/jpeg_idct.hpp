// SPDX-License-Identifier: Apache-2.0
// The inverse DCT of 8 x 8 coefficients in float32. Source: Arai, Agui, Nakajima, A fast DCT-SQ scheme for images,
// 1988.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dime::detail {

/// Coefficients of a block, row by row.
using JpegBlock = std::array<std::int16_t, 64>;
/// What each coefficient is multiplied by: the quantisation and the scheme's own factors.
using JpegScales = std::array<float, 64>;

/// The factors for a quantisation table in the order of JpegBlock.
JpegScales jpeg_scales(const std::uint16_t* quantisation);

/// Writes the block's pixels transposed: 8 bytes from top to bottom at each out + x * stride. All kernels give the same
/// bytes.
using JpegIdct = void (*)(const JpegBlock& block, const JpegScales& scales, std::uint8_t* out, std::size_t stride);

JpegIdct portable_idct();
/// The fastest of this machine.
JpegIdct jpeg_idct();

}  // namespace dime::detail
