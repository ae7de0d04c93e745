// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>

#include "io/jpeg_idct.hpp"
#include "io/jpeg_idct_lanes.hpp"

namespace dime::detail {
namespace {

struct Portable;

void transform_block(const JpegBlock& block, const JpegScales& scales, std::uint8_t* out, std::size_t stride) {
  idct::Rows8 v;
  for (std::size_t i = 0; i < 64; ++i) v[i / 8][i % 8] = static_cast<float>(block[i]) * scales[i];
  idct::columns_of<Portable>(v);
  for (std::size_t i = 0; i < 64; ++i) {
    constexpr float largest = 255;
    out[i / 8 * stride + i % 8] =
        static_cast<std::uint8_t>(std::nearbyint(std::min(std::max(v[i / 8][i % 8], 0.0F), largest)));
  }
}

}  // namespace

JpegScales jpeg_scales(const std::uint16_t* quantisation) {
  std::array<double, 8> factors{1};
  for (std::size_t k = 1; k < 8; ++k) {
    factors[k] = std::cos(static_cast<double>(k) * std::numbers::pi / 16) * std::numbers::sqrt2;
  }
  JpegScales scales;
  for (std::size_t i = 0; i < 64; ++i) {
    scales[i] = static_cast<float>(quantisation[i] * factors[i / 8] * factors[i % 8] / 8);
  }
  return scales;
}

JpegIdct portable_idct() { return transform_block; }

}  // namespace dime::detail
