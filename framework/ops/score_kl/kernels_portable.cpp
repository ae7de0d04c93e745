// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/target.hpp"

namespace dime::detail {
namespace {

struct Portable : FloatConstants {
  using Lanes = float __attribute__((vector_size(16)));
  using Words = std::uint32_t __attribute__((vector_size(16)));
  using Halves = std::uint16_t __attribute__((vector_size(8)));
  static constexpr int group = 4;
  [[gnu::always_inline]] static Lanes broadcast(const float* x) { return Lanes{} + *x; }
  [[gnu::always_inline]] static Words broadcast_word(const std::uint32_t* x) { return Words{} + *x; }
  [[gnu::always_inline]] static Lanes fma(Lanes a, Lanes b, Lanes c) { return a * b + c; }
  [[gnu::always_inline]] static Lanes dot(Words a, Words b, Lanes c) {
    const Lanes low = fma((Lanes)(a << 16), (Lanes)(b << 16), c);
    return fma((Lanes)(a & 0xffff0000U), (Lanes)(b & 0xffff0000U), low);
  }
  [[gnu::always_inline]] static Lanes exp2(const Lanes& x) { return lanes::exp2_of_floats<Portable>(x); }
};

/// For checks: the same loops in fp64.
struct Double {
  using Number = double;
  using Lanes = double __attribute__((vector_size(16)));
  static constexpr int group = 4;
  static constexpr double series[5] = {1.0 / 2, -1.0 / 6, 1.0 / 24, -1.0 / 120, 1.0 / 720};
  static constexpr double series_until = 0.004;
  [[gnu::always_inline]] static Lanes broadcast(const double* x) { return Lanes{} + *x; }
  [[gnu::always_inline]] static Lanes fma(Lanes a, Lanes b, Lanes c) { return a * b + c; }
  [[gnu::always_inline]] static Lanes exp2(const Lanes& x) { return lanes::exp2_of_doubles<Double>(x); }
};

constexpr ScoreKernels<float> whole = score_kernels_of<products::Whole<Portable>>();
constexpr ScoreKernels<float> pairs = score_kernels_of<products::Pairs<Portable>>();
constexpr ScoreKernels<double> doubles = score_kernels_of<products::Whole<Double>>();

}  // namespace

const ScoreKernels<float>& portable_score_kernels(bool bf16) { return bf16 ? pairs : whole; }

const ScoreKernels<double>& double_score_kernels() { return doubles; }

const ScoreKernels<float>& score_kernels(bool bf16) {
  if (const auto* best = avx512_score_kernels(bf16)) return *best;
  if (const auto* good = avx2_score_kernels(bf16)) return *good;
  return portable_score_kernels(bf16);
}

}  // namespace dime::detail
