// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "io/resample_kernels.hpp"

namespace dime::detail {
namespace {

std::uint8_t to_byte(int sum, int precision) { return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255)); }

float unit_of(int byte) { return static_cast<float>(byte) * static_cast<float>(1.0 / 255.0); }

void pack(AxisWeights&) {}

void one_row(const std::uint8_t* in, const AxisWeights& axis, int from, int to, std::uint8_t* out) {
  for (int x = from; x < to; ++x, out += 3) {
    const auto i = static_cast<std::size_t>(x);
    const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(axis.first[i]) * 3;
    const std::int16_t* weight = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    std::array<int, 3> sum;
    sum.fill(1 << (axis.precision - 1));
    for (int j = 0; j < axis.count[i]; ++j, pixel += 3) {
      for (std::size_t c = 0; c < 3; ++c) sum[c] += weight[j] * pixel[c];
    }
    for (std::size_t c = 0; c < 3; ++c) out[c] = to_byte(sum[c], axis.precision);
  }
}

void columns(const Rows& in, int count, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out) {
  for (int y = 0; y < count; ++y) {
    const auto row = static_cast<std::size_t>(y);
    one_row(in.data + row * in.stride - static_cast<std::ptrdiff_t>(origin) * 3, axis, from, to,
            out.data + row * out.stride);
  }
}

void rows(const Rows& in, int origin, std::size_t samples, const AxisWeights& axis, int from, int to,
          const RowsOut& out) {
  std::vector<int> sums(samples);
  for (int y = from; y < to; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (axis.precision - 1));
    const auto i = static_cast<std::size_t>(y);
    const std::int16_t* weights = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    for (int j = 0; j < axis.count[i]; ++j) {
      const std::uint8_t* row = in.data + static_cast<std::size_t>(axis.first[i] + j - origin) * in.stride;
      for (std::size_t x = 0; x < samples; ++x) sums[x] += weights[j] * row[x];
    }
    std::uint8_t* to_row = out.data + static_cast<std::size_t>(y - from) * out.stride;
    for (std::size_t x = 0; x < samples; ++x) to_row[x] = to_byte(sums[x], axis.precision);
  }
}

void normalize(const std::uint8_t* rgb, int width, bool mirrored, const ChannelScales& scales,
               const std::array<float*, 3>& out) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t* pixel = rgb + static_cast<std::ptrdiff_t>(mirrored ? width - 1 - x : x) * 3;
    for (std::size_t c = 0; c < 3; ++c) out[c][x] = (unit_of(pixel[c]) - scales[c].mean) / scales[c].std;
  }
}

constexpr ResampleKernels kernels{pack, columns, rows, normalize, [] {}};

}  // namespace

ChannelScale channel_scale(float mean, float std) {
  ChannelScale scale{mean, std, 1.0F / std, true};
  for (int x = 0; x < 256 && scale.multiplies; ++x) {
    const float centered = unit_of(x) - mean;
    const float q = centered * scale.reciprocal;
    scale.multiplies = std::fma(std::fma(-q, std, centered), scale.reciprocal, q) == centered / std;
  }
  return scale;
}

const ResampleKernels& portable_kernels() { return kernels; }

const ResampleKernels& resample_kernels() { return avx512_kernels(); }

}  // namespace dime::detail
