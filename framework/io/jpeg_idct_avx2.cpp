// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "io/jpeg_idct.hpp"
#include "io/jpeg_idct_lanes.hpp"

namespace dime::detail {
namespace {

struct Avx2;

// Two columns of bytes from each of the four lanes of 32 bits.
void store_columns(__m256i a, __m256i b, __m256i c, __m256i d, std::uint8_t* out, std::size_t stride) {
  const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  const __m256i columns = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  const __m128i first = _mm256_castsi256_si128(columns), second = _mm256_extracti128_si256(columns, 1);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), first);
  _mm_storeh_pi(reinterpret_cast<__m64*>(out + stride), _mm_castsi128_ps(first));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 2 * stride), second);
  _mm_storeh_pi(reinterpret_cast<__m64*>(out + 3 * stride), _mm_castsi128_ps(second));
}

void transform_block(const JpegBlock& block, const JpegScales& scales, std::uint8_t* out, std::size_t stride) {
  idct::Rows8 v;
  for (std::size_t r = 0; r < 8; ++r) {
    const __m128i row = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block.data() + 8 * r));
    v[r] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(row)), _mm256_loadu_ps(scales.data() + 8 * r));
  }
  idct::columns_of<Avx2>(v);
  __m256i rounded[8];
  // What is far below 0 becomes the least integer, and 0 like it; what is far above must not.
  const __m256 largest = _mm256_set1_ps(255);
  for (std::size_t x = 0; x < 8; ++x) rounded[x] = _mm256_cvtps_epi32(_mm256_min_ps(v[x], largest));
  store_columns(rounded[0], rounded[1], rounded[2], rounded[3], out, stride);
  store_columns(rounded[4], rounded[5], rounded[6], rounded[7], out + 4 * stride, stride);
}

}  // namespace

JpegIdct jpeg_idct() { return __builtin_cpu_supports("avx2") ? transform_block : portable_idct(); }

}  // namespace dime::detail
