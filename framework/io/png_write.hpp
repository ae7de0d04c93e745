// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <dime/dataset.hpp>

namespace dime {

/// `pixels` (uint8, channels last, 1 or 3 channels) as a PNG file in memory. Throws ArgumentError for other channels or
/// a size that disagrees.
std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, const PixelShape& shape);

}  // namespace dime
