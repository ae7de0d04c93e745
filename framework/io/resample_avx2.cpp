// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "io/resample_kernels.hpp"

namespace dime::detail {
namespace {

constexpr int group_taps = 4;
constexpr int group_numbers = 16;

// Four taps of three channels stand in one vector: (w0 w1) three times, two zeros; then the same of (w2 w3).
void pack(AxisWeights& axis) {
  const int outputs = static_cast<int>(axis.first.size());
  const int longest = *std::max_element(axis.count.begin(), axis.count.end());
  axis.groups = (longest + group_taps - 1) / group_taps;
  axis.packed.assign(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(axis.groups) * group_numbers, 0);
  for (int x = 0; x < outputs; ++x) {
    const std::int16_t* weights = axis.weights.data() + static_cast<std::ptrdiff_t>(x) * axis.taps;
    std::int16_t* to = axis.packed.data() + static_cast<std::ptrdiff_t>(x) * axis.groups * group_numbers;
    for (int j = 0; j < axis.count[static_cast<std::size_t>(x)]; ++j) {
      std::int16_t* lane = to + j / group_taps * group_numbers + j % group_taps / 2 * 8 + j % 2;
      for (int c = 0; c < 3; ++c) lane[2 * c] = weights[j];
    }
  }
}

// Those that an output of its own needs: at the image's right edge as many as the longest takes would be read far
// beyond it.
int groups_of(const AxisWeights& axis, int x) {
  return (axis.count[static_cast<std::size_t>(x)] + group_taps - 1) / group_taps;
}

// The sums of the three channels, and a zero.
__m128i sum_pixel(const std::uint8_t* in, const std::int16_t* weights, int groups) {
  const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  __m256i sum = _mm256_setzero_si256();
  for (int g = 0; g < groups; ++g, in += 3 * group_taps, weights += group_numbers) {
    const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
    const __m256i pairs = _mm256_shuffle_epi8(bytes, spread);
    const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, w));
  }
  return _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
}

void store_three(std::uint8_t* out, std::uint32_t rgb) { std::memcpy(out, &rgb, 4); }

template <int kRows>
void column_block(const Rows& in, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out) {
  const __m128i half = _mm_set1_epi32(1 << (axis.precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(axis.precision);
  for (int x = from; x < to; ++x) {
    const std::uint8_t* pixel =
        in.data + static_cast<std::ptrdiff_t>(axis.first[static_cast<std::size_t>(x)] - origin) * 3;
    const std::int16_t* weights = axis.packed.data() + static_cast<std::ptrdiff_t>(x) * axis.groups * group_numbers;
    const int groups = groups_of(axis, x);
    __m128i sums[4];
    for (int r = 0; r < kRows; ++r) {
      const __m128i sum = sum_pixel(pixel + static_cast<std::size_t>(r) * in.stride, weights, groups);
      sums[r] = _mm_sra_epi32(_mm_add_epi32(sum, half), shift);
    }
    for (int r = kRows; r < 4; ++r) sums[r] = sums[0];
    const __m128i bytes = _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3]));
    std::uint8_t* to_pixel = out.data + static_cast<std::ptrdiff_t>(x - from) * 3;
    store_three(to_pixel, static_cast<std::uint32_t>(_mm_extract_epi32(bytes, 0)));
    if constexpr (kRows > 1) {
      store_three(to_pixel + out.stride, static_cast<std::uint32_t>(_mm_extract_epi32(bytes, 1)));
      store_three(to_pixel + 2 * out.stride, static_cast<std::uint32_t>(_mm_extract_epi32(bytes, 2)));
      store_three(to_pixel + 3 * out.stride, static_cast<std::uint32_t>(_mm_extract_epi32(bytes, 3)));
    }
  }
}

void columns(const Rows& in, int count, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out) {
  int y = 0;
  const auto at = [&](int row) { return Rows{in.data + static_cast<std::size_t>(row) * in.stride, in.stride}; };
  const auto into = [&](int row) { return RowsOut{out.data + static_cast<std::size_t>(row) * out.stride, out.stride}; };
  for (; y + 4 <= count; y += 4) column_block<4>(at(y), origin, axis, from, to, into(y));
  for (; y < count; ++y) column_block<1>(at(y), origin, axis, from, to, into(y));
}

struct RowPair {
  const std::uint8_t* a;
  const std::uint8_t* b;
  __m256i weights;  // of a and b, in turn
};

void add_pair(const RowPair& pair, std::size_t x, __m256i sums[4]) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair.a + x));
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair.b + x));
  const __m256i low = _mm256_unpacklo_epi8(a, b);
  const __m256i high = _mm256_unpackhi_epi8(a, b);
  const auto add = [&](__m256i& sum, __m256i pixels) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pixels, pair.weights));
  };
  add(sums[0], _mm256_unpacklo_epi8(low, zero));
  add(sums[1], _mm256_unpackhi_epi8(low, zero));
  add(sums[2], _mm256_unpacklo_epi8(high, zero));
  add(sums[3], _mm256_unpackhi_epi8(high, zero));
}

// 32 samples of one output row.
__m256i row_vector(const RowPair* pairs, int count, std::size_t x, __m256i half, __m128i shift) {
  __m256i sums[4] = {half, half, half, half};
  for (int j = 0; j < count; ++j) add_pair(pairs[j], x, sums);
  for (auto& sum : sums) sum = _mm256_sra_epi32(sum, shift);
  // The unpacking above and the packing here change lanes in the same way.
  return _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]), _mm256_packs_epi32(sums[2], sums[3]));
}

void rows(const Rows& in, int origin, std::size_t samples, const AxisWeights& axis, int from, int to,
          const RowsOut& out) {
  const __m256i half = _mm256_set1_epi32(1 << (axis.precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(axis.precision);
  std::vector<RowPair> pairs(static_cast<std::size_t>(axis.taps / 2 + 1));
  for (int y = from; y < to; ++y) {
    const auto i = static_cast<std::size_t>(y);
    const std::int16_t* w = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    const std::uint8_t* first = in.data + static_cast<std::size_t>(axis.first[i] - origin) * in.stride;
    int count = 0;
    for (int j = 0; j < axis.count[i]; j += 2) {
      const bool both = j + 1 < axis.count[i];
      const std::uint8_t* a = first + static_cast<std::size_t>(j) * in.stride;
      const auto upper = static_cast<std::uint32_t>(both ? w[j + 1] : 0) << 16;
      const auto both_weights = upper | static_cast<std::uint16_t>(w[j]);
      pairs[static_cast<std::size_t>(count++)] = {a, both ? a + in.stride : a,
                                                  _mm256_set1_epi32(static_cast<int>(both_weights))};
    }
    std::uint8_t* to_row = out.data + static_cast<std::size_t>(y - from) * out.stride;
    for (std::size_t x = 0; x < samples; x += 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to_row + x), row_vector(pairs.data(), count, x, half, shift));
    }
  }
}

__m256 scaled(__m256i bytes, const ChannelScale& scale) {
  const __m256 unit = _mm256_mul_ps(_mm256_cvtepi32_ps(bytes), _mm256_set1_ps(static_cast<float>(1.0 / 255.0)));
  const __m256 centered = _mm256_sub_ps(unit, _mm256_set1_ps(scale.mean));
  const __m256 divisor = _mm256_set1_ps(scale.std);
  if (!scale.multiplies) return _mm256_div_ps(centered, divisor);
  const __m256 r = _mm256_set1_ps(scale.reciprocal);
  const __m256 q = _mm256_mul_ps(centered, r);
  return _mm256_fmadd_ps(_mm256_fnmadd_ps(q, divisor, centered), r, q);
}

// Channel c of eight pixels: bytes 3 x + c of the 24 at `rgb`.
__m256i channel_of(const std::uint8_t* rgb, int c) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb + 12));
  const __m128i four =
      _mm_add_epi8(_mm_setr_epi8(0, 3, 6, 9, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128),
                   _mm_set1_epi8(static_cast<char>(c)));
  const __m128i eight = _mm_unpacklo_epi32(_mm_shuffle_epi8(low, four), _mm_shuffle_epi8(high, four));
  return _mm256_cvtepu8_epi32(eight);
}

void normalize(const std::uint8_t* rgb, int width, bool mirrored, const ChannelScales& scales,
               const std::array<float*, 3>& out) {
  const __m256i backwards = _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0);
  const int whole = width / 8 * 8;
  for (int x = 0; x < whole; x += 8) {
    for (std::size_t c = 0; c < 3; ++c) {
      __m256 v = scaled(channel_of(rgb + 3 * static_cast<std::ptrdiff_t>(x), static_cast<int>(c)), scales[c]);
      if (mirrored) v = _mm256_permutevar8x32_ps(v, backwards);
      _mm256_storeu_ps(out[c] + (mirrored ? width - 8 - x : x), v);
    }
  }
  if (whole == width) return;
  std::array<float*, 3> rest = out;
  if (!mirrored) std::for_each(rest.begin(), rest.end(), [&](float*& p) { p += whole; });
  portable_kernels().normalize(rgb + 3 * static_cast<std::ptrdiff_t>(whole), width - whole, mirrored, scales, rest);
}

constexpr ResampleKernels kernels{pack, columns, rows, normalize, [] {}};

}  // namespace

const ResampleKernels& avx2_kernels() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernels : portable_kernels();
}

}  // namespace dime::detail
