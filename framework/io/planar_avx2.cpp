// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "io/planar_kernels.hpp"
#include "io/planar_lanes.hpp"

namespace dime::detail {
namespace {

struct Avx2 {
  using Lanes = __m256;

  [[gnu::always_inline]] static __m256 load(const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  [[gnu::always_inline]] static void store(float* to, __m256 lanes) { _mm256_storeu_ps(to, lanes); }
};

void colour(const YccRow& row, int width, const ChannelLines& lines, const std::array<float*, 3>& out) {
  planar::colour<Avx2>(row, width, lines, out);
}

}  // namespace

const PlanarKernels& avx2_planar_kernels() {
  static constexpr PlanarKernels kernels{colour, [] {}};
  return __builtin_cpu_supports("avx2") ? kernels : portable_planar_kernels();
}

}  // namespace dime::detail
