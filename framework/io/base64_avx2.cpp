// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "io/base64_kernels.hpp"

namespace dime::detail {
namespace {

// Each character by its halves: the upper tells its kind, the lower which kinds it does not belong to.
enum Kind : char { kSign = 1, kDigit = 2, kFirstLetters = 4, kLastLetters = 8, kNone = 16 };

__m256i twice(__m128i table) { return _mm256_broadcastsi128_si256(table); }

__m256i foreign(__m256i text, __m256i upper) {
  const __m256i kinds = twice(_mm_setr_epi8(kNone, kNone, kSign, kDigit, kFirstLetters, kLastLetters, kFirstLetters,
                                            kLastLetters, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone));
  constexpr char after_nine = kSign | kDigit | kNone, plus = kDigit | kLastLetters | kNone;
  constexpr char zero = kSign | kFirstLetters | kNone, most = kSign | kNone;
  constexpr char late = kSign | kDigit | kLastLetters | kNone;
  const __m256i excluded = twice(_mm_setr_epi8(zero, most, most, most, most, most, most, most, most, most, after_nine,
                                               plus, late, late, late, plus));
  const __m256i lower = _mm256_and_si256(text, _mm256_set1_epi8(0x0f));
  return _mm256_and_si256(_mm256_shuffle_epi8(kinds, upper), _mm256_shuffle_epi8(excluded, lower));
}

// The six bits of each character, which is none of the foreign ones.
__m256i values_of(__m256i text, __m256i upper) {
  const __m256i shifts =
      twice(_mm_setr_epi8(0, 63 - '/', 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i slash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('/'));
  return _mm256_add_epi8(text, _mm256_shuffle_epi8(shifts, _mm256_add_epi8(upper, slash)));
}

// 32 values of six bits to 24 bytes at the lower end.
__m256i joined(__m256i values) {
  const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  const __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  const __m256i order = twice(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  const __m256i bytes = _mm256_shuffle_epi8(groups, order);
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

std::size_t decode(const unsigned char* in, std::size_t groups, std::uint8_t* out) {
  constexpr std::size_t step = 8, room = 11;  // a store is 32 bytes, of which 24 count
  std::size_t done = 0;
  for (; done + room <= groups; done += step, in += 4 * step, out += 3 * step) {
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi32(text, 4), _mm256_set1_epi8(0x0f));
    const __m256i wrong = foreign(text, upper);
    if (!_mm256_testz_si256(wrong, wrong)) break;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), joined(values_of(text, upper)));
  }
  return done;
}

}  // namespace

Base64Kernel base64_kernel() { return __builtin_cpu_supports("avx2") ? decode : nullptr; }

}  // namespace dime::detail
