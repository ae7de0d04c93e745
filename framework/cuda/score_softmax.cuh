// SPDX-License-Identifier: Apache-2.0
// What the threads of score_kl's kernels compute: twins of the CPU's formulas in ops/score_kl/softmax.hpp. Each
// rounding is written out; see score_tiles.cu.
#pragma once

#include "cuda/score_tiles.hpp"
#include "ops/score_kl/kernels.hpp"

namespace dime::cuda {

constexpr int kThreads = 256;   // of a block
constexpr int kWarp = 32;       // threads that exchange numbers without shared memory
constexpr unsigned kAll = ~0U;  // threads of a warp
using detail::kNoScore;

inline __device__ float power(float x) { return exp2f(x); }
inline __device__ double power(double x) { return exp2(x); }
inline __device__ float fused(float a, float b, float c) { return fmaf(a, b, c); }
inline __device__ double fused(double a, double b, double c) { return fma(a, b, c); }

// How far (exp(-x) - 1 + x) / x^2 is summed as a series; as on the CPU.
template <class Number>
constexpr Number kSeriesUntil = Number(0.25);
template <>
constexpr double kSeriesUntil<double> = 0.004;

struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

/// Over the threads of a block; all of them hear the result, which does not depend on their speed.
template <class T, class Join>
__device__ T over_block(T x, Join join) {
  __shared__ T parts[kThreads / kWarp];
  for (int away = kWarp / 2; away > 0; away /= 2) x = join(x, __shfl_xor_sync(kAll, x, away));
  __syncthreads();  // what an earlier call left there has been read
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = x;
  __syncthreads();
  T all = parts[0];
  for (int i = 1; i < kThreads / kWarp; ++i) all = join(all, parts[i]);
  return all;
}

/// A sum that carries along what its roundings lost (Kahan), as on the CPU.
template <class Number>
struct CarryingSum {
  Number sum = 0, lost = 0;

  __device__ void add(Number x) {
    const Number corrected = x - lost, next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  __device__ double value() const { return static_cast<double>(sum) - static_cast<double>(lost); }
};

template <class Number>
__device__ Number score(const ScoreTile<Number>& tile, Number factor, std::int64_t i, std::int64_t j) {
  if (j - i == tile.diagonal) return static_cast<Number>(kNoScore);
  const Number row_add = tile.row_add != nullptr ? tile.row_add[i] : Number(0);
  const Number x = fused(tile.products[i * tile.stride + j], factor, row_add);
  return tile.column_add != nullptr ? x + tile.column_add[j] : x;
}

/// SoftmaxStats of one row or column.
template <class Number>
struct Direction {
  Number student_max, student_reciprocal, teacher_max, teacher_reciprocal, log_difference;

  __device__ Direction(const SoftmaxStats<Number>& s, std::int64_t i)
      : student_max(s.student_max[i]),
        student_reciprocal(s.student_reciprocal[i]),
        teacher_max(s.teacher_max[i]),
        teacher_reciprocal(s.teacher_reciprocal[i]),
        log_difference(s.log_difference[i]) {}
};

/// Student's less teacher's probability; adds p_t log(p_t / p_s) + p_s - p_t, as compare() in ops/score_kl/softmax.hpp.
template <class Number>
__device__ Number compare(const Direction<Number>& d, Number student, Number teacher, Number& divergence) {
  constexpr Number ln2 = Number(0.693147180559945309417);
  const Number below_student = student - d.student_max, below_teacher = teacher - d.teacher_max;
  const Number p = power(below_student) * d.student_reciprocal;
  const Number q = power(below_teacher) * d.teacher_reciprocal;
  const Number difference = p - q;
  const Number log = ((below_teacher - below_student) - d.log_difference) * ln2;
  // exp(-x) - 1 + x: where x is small, the three terms would cancel.
  Number series = Number(1.0 / 720);
  series = fused(series, log, Number(-1.0 / 120));
  series = fused(series, log, Number(1.0 / 24));
  series = fused(series, log, Number(-1.0 / 6));
  series = fused(series, log, Number(1.0 / 2));
  const Number near = q * log * log * series, far = fused(q, log, difference);
  const Number size = log < Number(0) ? -log : log;
  divergence += size < kSeriesUntil<Number> ? near : far;
  return difference;
}

template <class Number>
struct Divergences {
  Number rows = 0, columns = 0;
};

template <class Number, bool Rows, bool Columns>
__device__ Number factor_at(const FactorInput<Number>& in, Number student_factor, Number teacher_factor, std::int64_t i,
                            std::int64_t j, Divergences<Number>& divergences) {
  const Number s = score(in.student, student_factor, i, j), t = score(in.teacher, teacher_factor, i, j);
  Number factor = 0;
  if (Rows) factor = compare(Direction<Number>(in.rows, i), s, t, divergences.rows);
  if (!Columns) return factor;
  return fused(compare(Direction<Number>(in.columns, j), s, t, divergences.columns), in.column_ratio, factor);
}

}  // namespace dime::cuda
