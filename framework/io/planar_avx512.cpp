// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "io/planar_kernels.hpp"
#include "io/planar_lanes.hpp"

namespace dime::detail {
namespace {

struct Stored {
  using Lanes = __m512;

  [[gnu::always_inline]] static __m512 load(const std::uint8_t* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  [[gnu::always_inline]] static void store(float* to, __m512 lanes) { _mm512_storeu_ps(to, lanes); }
};

// A batch is larger than the caches: whole lines of its numbers go past them.
struct Streamed : Stored {
  [[gnu::always_inline]] static void store(float* to, __m512 lanes) { _mm512_stream_ps(to, lanes); }
};

void colour(const YccRow& row, int width, const ChannelLines& lines, const std::array<float*, 3>& out) {
  if (!are_lines(out)) return planar::colour<Stored>(row, width, lines, out);
  planar::colour<Streamed>(row, width, lines, out);
}

void settle() { _mm_sfence(); }

}  // namespace

const PlanarKernels& planar_kernels() {
  static constexpr PlanarKernels kernels{colour, settle};
  return __builtin_cpu_supports("avx512f") ? kernels : avx2_planar_kernels();
}

}  // namespace dime::detail
