// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "ops/score_kl/target.hpp"

namespace dime::detail {
namespace {

struct Avx2 : FloatConstants {
  using Lanes = float __attribute__((vector_size(32)));
  using Words = std::uint32_t __attribute__((vector_size(32)));
  using Halves = std::uint16_t __attribute__((vector_size(16)));
  static constexpr int group = 6;  // with two vectors each: 12 of the 16 registers
  [[gnu::always_inline]] static Lanes broadcast(const float* x) { return _mm256_broadcast_ss(x); }
  [[gnu::always_inline]] static Words broadcast_word(const std::uint32_t* x) {
    return (Words)_mm256_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm256_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static Lanes dot(Words a, Words b, Lanes c) {
    const Lanes low = fma((Lanes)(a << 16), (Lanes)(b << 16), c);
    return fma((Lanes)(a & 0xffff0000U), (Lanes)(b & 0xffff0000U), low);
  }
  [[gnu::always_inline]] static Lanes exp2(const Lanes& x) { return lanes::exp2_of_floats<Avx2>(x); }
};

/// Words of bf16 are taken apart in registers, which leaves fewer of them.
struct Avx2Pairs : Avx2 {
  static constexpr int group = 4;
};

constexpr ScoreKernels<float> whole = score_kernels_of<products::Whole<Avx2>>();
constexpr ScoreKernels<float> pairs = score_kernels_of<products::Pairs<Avx2Pairs>>();

}  // namespace

const ScoreKernels<float>* avx2_score_kernels(bool bf16) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return nullptr;
  return bf16 ? &pairs : &whole;
}

}  // namespace dime::detail
