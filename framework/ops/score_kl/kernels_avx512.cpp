// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "ops/score_kl/target.hpp"

namespace dime::detail {
namespace {

struct Avx512 : FloatConstants {
  using Lanes = float __attribute__((vector_size(64)));
  using Words = std::uint32_t __attribute__((vector_size(64)));
  using Halves = std::uint16_t __attribute__((vector_size(32)));
  static constexpr int group = 12;  // with two vectors each: 24 of the 32 registers; 14 leave too few for addresses
  [[gnu::always_inline]] static Lanes broadcast(const float* x) { return _mm512_set1_ps(*x); }
  [[gnu::always_inline]] static Words broadcast_word(const std::uint32_t* x) {
    return (Words)_mm512_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static Lanes dot(Words a, Words b, Lanes c) {
    return _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b);
  }
  [[gnu::always_inline]] static Lanes exp2(const Lanes& x) { return lanes::exp2_of_floats<Avx512>(x); }
};

constexpr ScoreKernels<float> whole = score_kernels_of<products::Whole<Avx512>>();
constexpr ScoreKernels<float> pairs = score_kernels_of<products::Pairs<Avx512>>();

}  // namespace

const ScoreKernels<float>* avx512_score_kernels(bool bf16) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl")) {
    return nullptr;
  }
  if (!bf16) return &whole;
  return __builtin_cpu_supports("avx512bf16") ? &pairs : nullptr;
}

}  // namespace dime::detail
