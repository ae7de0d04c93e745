// SPDX-License-Identifier: Apache-2.0
// A weight of 16 bits is two of 8 bits, the upper worth 256: byte products with four taps in each sum of 32 bits.
#include <immintrin.h>

#include <algorithm>
#include <iterator>

#include "io/resample_kernels.hpp"

namespace dime::detail {
namespace {

constexpr int block_pixels = 5;  // 15 of a vector's 16 sums
constexpr int group_taps = 4;
constexpr int vector_bytes = 64;

struct Halves {
  std::int8_t low;
  std::int8_t high;
};

Halves halves_of(int weight) {
  const auto low = static_cast<std::int8_t>(weight & 255);
  return {low, static_cast<std::int8_t>((weight - low) >> 8)};
}

bool has_halves(const AxisWeights& axis) {
  constexpr int largest = 127 * 256 + 127;
  return std::all_of(axis.weights.begin(), axis.weights.end(), [](std::int16_t w) { return w <= largest; });
}

int first_of(const AxisWeights& axis, int x) {
  return axis.first[static_cast<std::size_t>(std::min(x, static_cast<int>(axis.first.size()) - 1))];
}

// Those that a block needs: more would be read from beyond the image's right edge.
int groups_of(const AxisWeights& axis, int x) {
  const auto first = axis.count.begin() + x;
  const auto last = axis.count.begin() + std::min<std::ptrdiff_t>(x + block_pixels, std::ssize(axis.count));
  return (*std::max_element(first, last) + group_taps - 1) / group_taps;
}

// Four taps of all the block's pixels lie in one vector that begins at its first.
bool has_near_pixels(const AxisWeights& axis) {
  constexpr int farthest = vector_bytes / 3 - group_taps;
  for (int x = 0; x < static_cast<int>(axis.first.size()); x += block_pixels) {
    if (first_of(axis, x + block_pixels - 1) - first_of(axis, x) > farthest) return false;
  }
  return true;
}

void pack_shuffle(const AxisWeights& axis, int x, std::uint8_t* to) {
  std::fill_n(to, vector_bytes, std::uint8_t{0});
  for (int i = 0; i < block_pixels * 3 * group_taps; ++i) {
    const int pixel = first_of(axis, x + i / (3 * group_taps)) - first_of(axis, x) + i % group_taps;
    to[i] = static_cast<std::uint8_t>(3 * pixel + i / group_taps % 3);
  }
}

void pack_weights(const AxisWeights& axis, int x, int group, std::int8_t* to) {
  for (int i = 0; i < block_pixels * 3 * group_taps; ++i) {
    const int output = x + i / (3 * group_taps), tap = group * group_taps + i % group_taps;
    if (output >= static_cast<int>(axis.first.size()) || tap >= axis.count[static_cast<std::size_t>(output)]) continue;
    const Halves weight =
        halves_of(axis.weights[static_cast<std::size_t>(output) * static_cast<std::size_t>(axis.taps) +
                               static_cast<std::size_t>(tap)]);
    to[i] = weight.low;
    to[i + vector_bytes] = weight.high;
  }
}

void pack(AxisWeights& axis) {
  axis.has_halves = has_halves(axis);
  axis.is_wide = axis.has_halves && has_near_pixels(axis);
  if (!axis.is_wide) return avx2_kernels().pack(axis);
  const int outputs = static_cast<int>(axis.first.size());
  const int blocks = (outputs + block_pixels - 1) / block_pixels;
  axis.groups = (*std::max_element(axis.count.begin(), axis.count.end()) + group_taps - 1) / group_taps;
  axis.shuffles.resize(static_cast<std::size_t>(blocks) * vector_bytes);
  axis.packed.assign(static_cast<std::size_t>(blocks) * static_cast<std::size_t>(axis.groups) * vector_bytes, 0);
  auto* weights = reinterpret_cast<std::int8_t*>(axis.packed.data());
  for (int b = 0; b < blocks; ++b) {
    pack_shuffle(axis, b * block_pixels, axis.shuffles.data() + static_cast<std::ptrdiff_t>(b) * vector_bytes);
    for (int g = 0; g < axis.groups; ++g, weights += 2 * vector_bytes) pack_weights(axis, b * block_pixels, g, weights);
  }
}

__m512i load(const void* from) { return _mm512_loadu_si512(from); }

struct Rounding {
  __m512i half;
  __m128i shift;
  explicit Rounding(int precision)
      : half(_mm512_set1_epi32(1 << (precision - 1))), shift(_mm_cvtsi32_si128(precision)) {}
  __m512i operator()(__m512i low, __m512i high) const {
    return _mm512_sra_epi32(_mm512_add_epi32(low, _mm512_slli_epi32(high, 8)), shift);
  }
};

template <int kRows>
void column_rows(const Rows& in, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out) {
  const Rounding round(axis.precision);
  for (int b = from / block_pixels; b * block_pixels < to; ++b) {
    const __m512i shuffle = load(axis.shuffles.data() + static_cast<std::ptrdiff_t>(b) * vector_bytes);
    const auto* weights = reinterpret_cast<const std::int8_t*>(axis.packed.data()) +
                          static_cast<std::ptrdiff_t>(b) * axis.groups * 2 * vector_bytes;
    const std::uint8_t* pixel = in.data + static_cast<std::ptrdiff_t>(first_of(axis, b * block_pixels) - origin) * 3;
    // The first block may begin before `from`; its pixels then lie in the room before the row.
    std::uint8_t* to_pixel = out.data + static_cast<std::ptrdiff_t>(b * block_pixels - from) * 3;
    __m512i low[kRows], high[kRows];
    for (int r = 0; r < kRows; ++r) low[r] = round.half, high[r] = _mm512_setzero_si512();
    const int groups = groups_of(axis, b * block_pixels);
    for (int g = 0; g < groups; ++g, weights += 2 * vector_bytes, pixel += 3 * group_taps) {
      const __m512i w_low = load(weights), w_high = load(weights + vector_bytes);
      for (int r = 0; r < kRows; ++r) {
        const __m512i taps = _mm512_permutexvar_epi8(shuffle, load(pixel + static_cast<std::size_t>(r) * in.stride));
        low[r] = _mm512_dpbusd_epi32(low[r], taps, w_low);
        high[r] = _mm512_dpbusd_epi32(high[r], taps, w_high);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      const __m512i sums = _mm512_max_epi32(round(low[r], high[r]), _mm512_setzero_si512());
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to_pixel + static_cast<std::size_t>(r) * out.stride),
                       _mm512_cvtusepi32_epi8(sums));
    }
  }
}

void columns(const Rows& in, int count, int origin, const AxisWeights& axis, int from, int to, const RowsOut& out) {
  if (!axis.is_wide) return avx2_kernels().columns(in, count, origin, axis, from, to, out);
  const auto at = [&](int row) { return Rows{in.data + static_cast<std::size_t>(row) * in.stride, in.stride}; };
  const auto into = [&](int row) { return RowsOut{out.data + static_cast<std::size_t>(row) * out.stride, out.stride}; };
  int y = 0;
  for (; y + 8 <= count; y += 8) column_rows<8>(at(y), origin, axis, from, to, into(y));
  for (; y < count; ++y) column_rows<1>(at(y), origin, axis, from, to, into(y));
}

struct FourRows {
  const std::uint8_t* rows[group_taps];
  __m512i low;
  __m512i high;
};

// Rows past the last tap weigh nothing; they are read from the last one.
FourRows four_rows(const Rows& in, int first, const std::int16_t* weights, int left) {
  FourRows four{};
  std::uint32_t low = 0, high = 0;
  for (int j = 0; j < group_taps; ++j) {
    four.rows[j] = in.data + static_cast<std::size_t>(first + std::min(j, left - 1)) * in.stride;
    if (j >= left) continue;
    const Halves weight = halves_of(weights[j]);
    low |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(weight.low)) << (8 * j);
    high |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(weight.high)) << (8 * j);
  }
  four.low = _mm512_set1_epi32(static_cast<int>(low));
  four.high = _mm512_set1_epi32(static_cast<int>(high));
  return four;
}

// 64 samples of one output row.
__m512i row_vector(const std::vector<FourRows>& taps, std::size_t x, const Rounding& round) {
  __m512i low[4], high[4];
  for (int i = 0; i < 4; ++i) low[i] = round.half, high[i] = _mm512_setzero_si512();
  for (const FourRows& four : taps) {
    const __m512i a = load(four.rows[0] + x), b = load(four.rows[1] + x);
    const __m512i c = load(four.rows[2] + x), d = load(four.rows[3] + x);
    const __m512i ab[2] = {_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)};
    const __m512i cd[2] = {_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d)};
    for (int i = 0; i < 4; ++i) {
      const __m512i all =
          i % 2 == 0 ? _mm512_unpacklo_epi16(ab[i / 2], cd[i / 2]) : _mm512_unpackhi_epi16(ab[i / 2], cd[i / 2]);
      low[i] = _mm512_dpbusd_epi32(low[i], all, four.low);
      high[i] = _mm512_dpbusd_epi32(high[i], all, four.high);
    }
  }
  // The unpacking above and the packing here change lanes in the same way.
  const __m512i first = _mm512_packs_epi32(round(low[0], high[0]), round(low[1], high[1]));
  const __m512i second = _mm512_packs_epi32(round(low[2], high[2]), round(low[3], high[3]));
  return _mm512_packus_epi16(first, second);
}

void rows(const Rows& in, int origin, std::size_t samples, const AxisWeights& axis, int from, int to,
          const RowsOut& out) {
  if (!axis.has_halves) return avx2_kernels().rows(in, origin, samples, axis, from, to, out);
  const Rounding round(axis.precision);
  std::vector<FourRows> taps;
  for (int y = from; y < to; ++y) {
    const auto i = static_cast<std::size_t>(y);
    const std::int16_t* weights = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    taps.clear();
    for (int j = 0; j < axis.count[i]; j += group_taps) {
      taps.push_back(four_rows(in, axis.first[i] - origin + j, weights + j, axis.count[i] - j));
    }
    std::uint8_t* to_row = out.data + static_cast<std::size_t>(y - from) * out.stride;
    for (std::size_t x = 0; x < samples; x += vector_bytes) {
      _mm512_storeu_si512(to_row + x, row_vector(taps, x, round));
    }
  }
}

__m512 scaled(__m512i bytes, const ChannelScale& scale) {
  const __m512 unit = _mm512_mul_ps(_mm512_cvtepi32_ps(bytes), _mm512_set1_ps(static_cast<float>(1.0 / 255.0)));
  const __m512 centered = _mm512_sub_ps(unit, _mm512_set1_ps(scale.mean));
  const __m512 divisor = _mm512_set1_ps(scale.std);
  if (!scale.multiplies) return _mm512_div_ps(centered, divisor);
  const __m512 r = _mm512_set1_ps(scale.reciprocal);
  const __m512 q = _mm512_mul_ps(centered, r);
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(q, divisor, centered), r, q);
}

// Channel c of 16 pixels: where its bytes lie, one to each sum of 32 bits, from left to right or back.
__m512i places_of(int c, bool mirrored) {
  const __m512i pixels = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i order = mirrored ? _mm512_sub_epi32(_mm512_set1_epi32(15), pixels) : pixels;
  return _mm512_add_epi32(_mm512_mullo_epi32(order, _mm512_set1_epi32(3)), _mm512_set1_epi32(c));
}

constexpr int number_step = 16;

// The first pixels of a row, as many as are whole steps.
template <class Store>
void normalize_steps(const std::uint8_t* rgb, int width, bool mirrored, const ChannelScales& scales,
                     const std::array<float*, 3>& out, Store store) {
  constexpr __mmask64 low_bytes = 0x1111111111111111;
  const __m512i places[3] = {places_of(0, mirrored), places_of(1, mirrored), places_of(2, mirrored)};
  for (int x = 0; x + number_step <= width; x += number_step) {
    const __m512i pixels = load(rgb + 3 * static_cast<std::ptrdiff_t>(x));
    for (std::size_t c = 0; c < 3; ++c) {
      const __m512i bytes = _mm512_maskz_permutexvar_epi8(low_bytes, places[c], pixels);
      store(out[c] + (mirrored ? width - number_step - x : x), scaled(bytes, scales[c]));
    }
  }
}

void normalize(const std::uint8_t* rgb, int width, bool mirrored, const ChannelScales& scales,
               const std::array<float*, 3>& out) {
  // A batch is larger than the caches: whole lines of its numbers go past them.
  if (width % number_step == 0 && are_lines(out)) {
    return normalize_steps(rgb, width, mirrored, scales, out, [](float* to, __m512 v) { _mm512_stream_ps(to, v); });
  }
  normalize_steps(rgb, width, mirrored, scales, out, [](float* to, __m512 v) { _mm512_storeu_ps(to, v); });
  const int whole = width / number_step * number_step;
  std::array<float*, 3> rest = out;
  if (!mirrored) std::for_each(rest.begin(), rest.end(), [&](float*& p) { p += whole; });
  avx2_kernels().normalize(rgb + 3 * static_cast<std::ptrdiff_t>(whole), width - whole, mirrored, scales, rest);
}

void settle() { _mm_sfence(); }

const ResampleKernels& choose() {
  static constexpr ResampleKernels kernels{pack, columns, rows, normalize, settle};
  return kernels;
}

}  // namespace

const ResampleKernels& avx512_kernels() {
  const bool has_all = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
                       __builtin_cpu_supports("avx512vnni");
  return has_all ? choose() : avx2_kernels();
}

}  // namespace dime::detail
