// SPDX-License-Identifier: Apache-2.0
// Compiled without fused multiply-adds but for those that are written out: student and teacher must cancel where they
// are equal.
#include <type_traits>

#include "cuda/score_softmax.cuh"
#include "cuda/score_tiles.hpp"

namespace dime::cuda {
namespace {

constexpr int kRowsOfPart = 64;  // that one thread reads of a column

/// One block for each row.
template <class Number>
__global__ void __launch_bounds__(kThreads) row_stats(ScoreTile<Number> tile, LogSums<Number> rows) {
  const std::int64_t i = blockIdx.x;
  const Number factor = *tile.factor, before = rows.max[i];
  Number most = before;
  for (std::int64_t j = threadIdx.x; j < tile.columns; j += kThreads) {
    most = Larger()(score(tile, factor, i, j), most);
  }
  most = over_block(most, Larger());
  CarryingSum<Number> added;
  for (std::int64_t j = threadIdx.x; j < tile.columns; j += kThreads) {
    added.add(power(score(tile, factor, i, j) - most));
  }
  const double sum = over_block(added.value(), Sum());
  if (threadIdx.x != 0) return;
  rows.sum[i] = rows.sum[i] * static_cast<double>(power(before - most)) + sum;
  rows.max[i] = most;
}

/// One thread for each column of a part of the rows.
template <class Number>
__global__ void __launch_bounds__(kThreads) column_parts_stats(ScoreTile<Number> tile, ColumnRoom<Number> room) {
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= tile.columns) return;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * kRowsOfPart;
  const std::int64_t end = min(first + kRowsOfPart, tile.rows);
  const Number factor = *tile.factor;
  Number most = static_cast<Number>(3 * kNoScore);
  for (std::int64_t i = first; i < end; ++i) most = Larger()(score(tile, factor, i, j), most);
  CarryingSum<Number> added;
  for (std::int64_t i = first; i < end; ++i) added.add(power(score(tile, factor, i, j) - most));
  const std::int64_t place = blockIdx.y * tile.columns + j;
  room.max[place] = most;
  room.sum[place] = added.value();
}

template <class Number>
__global__ void __launch_bounds__(kThreads)
    join_column_stats(ColumnRoom<Number> room, std::int64_t parts, std::int64_t columns, LogSums<Number> stats) {
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= columns) return;
  const Number before = stats.max[j];
  Number most = before;
  for (std::int64_t p = 0; p < parts; ++p) most = Larger()(room.max[p * columns + j], most);
  double sum = stats.sum[j] * static_cast<double>(power(before - most));
  for (std::int64_t p = 0; p < parts; ++p) {
    sum += room.sum[p * columns + j] * static_cast<double>(power(room.max[p * columns + j] - most));
  }
  stats.max[j] = most;
  stats.sum[j] = sum;
}

template <class Number>
__global__ void __launch_bounds__(kThreads)
    finish(const double* student_sum, const double* teacher_sum, std::int64_t count, Number* student_reciprocal,
           Number* teacher_reciprocal, Number* log_difference) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  student_reciprocal[i] = static_cast<Number>(1 / student_sum[i]);
  teacher_reciprocal[i] = static_cast<Number>(1 / teacher_sum[i]);
  log_difference[i] = static_cast<Number>(log2(teacher_sum[i] / student_sum[i]));
}

__device__ void store(float x, float* to) { *to = x; }
__device__ void store(double x, double* to) { *to = x; }
__device__ void store(float x, __nv_bfloat16* to) { *to = __float2bfloat16_rn(x); }

/// One block for each row.
template <class Number, class Factor, bool Rows, bool Columns>
__global__ void __launch_bounds__(kThreads) factors(FactorInput<Number> in, RowSums sums, Factor* out) {
  const std::int64_t i = blockIdx.x;
  const Number student_factor = *in.student.factor, teacher_factor = *in.teacher.factor;
  Divergences<Number> divergences;
  Number sum = 0;
  for (std::int64_t j = threadIdx.x; j < in.student.columns; j += kThreads) {
    const Number factor = factor_at<Number, Rows, Columns>(in, student_factor, teacher_factor, i, j, divergences);
    sum += factor;
    store(factor, out + i * in.student.stride + j);
  }
  const double divergence = sums.rows_weight * static_cast<double>(divergences.rows) +
                            sums.columns_weight * static_cast<double>(divergences.columns);
  const double row_divergence = over_block(divergence, Sum());
  const double row_sum = over_block(static_cast<double>(sum), Sum());
  if (threadIdx.x != 0) return;
  sums.divergence[i] += row_divergence;
  sums.factors[i] += row_sum;
}

/// One thread for each column of a part of the rows.
template <class Number, bool Rows, bool Columns>
__global__ void __launch_bounds__(kThreads) column_parts_sums(FactorInput<Number> in, double* room) {
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= in.student.columns) return;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * kRowsOfPart;
  const std::int64_t end = min(first + kRowsOfPart, in.student.rows);
  const Number student_factor = *in.student.factor, teacher_factor = *in.teacher.factor;
  Divergences<Number> unused;
  Number sum = 0;
  for (std::int64_t i = first; i < end; ++i) {
    sum += factor_at<Number, Rows, Columns>(in, student_factor, teacher_factor, i, j, unused);
  }
  room[blockIdx.y * in.student.columns + j] = static_cast<double>(sum);
}

__global__ void __launch_bounds__(kThreads)
    join_column_sums(const double* room, std::int64_t parts, std::int64_t columns, double* sums) {
  const std::int64_t j = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (j >= columns) return;
  double sum = sums[j];
  for (std::int64_t p = 0; p < parts; ++p) sum += room[p * columns + j];
  sums[j] = sum;
}

unsigned blocks_of(std::int64_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

template <class Number>
dim3 column_grid(const ScoreTile<Number>& tile) {
  return {blocks_of(tile.columns), static_cast<unsigned>(column_parts(tile.rows))};
}

/// Calls run(rows, columns) with the directions that `in` has, as compile-time constants.
template <class Number, class Run>
void with_directions(const FactorInput<Number>& in, Run run) {
  const bool rows = in.rows.student_max != nullptr, columns = in.columns.student_max != nullptr;
  if (rows && columns) return run(std::true_type(), std::true_type());
  if (rows) return run(std::true_type(), std::false_type());
  run(std::false_type(), std::true_type());
}

}  // namespace

std::int64_t column_parts(std::int64_t rows) { return (rows + kRowsOfPart - 1) / kRowsOfPart; }

template <class Number>
void add_row_stats(const ScoreTile<Number>& tile, const LogSums<Number>& rows, cudaStream_t stream) {
  row_stats<<<static_cast<unsigned>(tile.rows), kThreads, 0, stream>>>(tile, rows);
}

template <class Number>
void add_column_stats(const ScoreTile<Number>& tile, const LogSums<Number>& columns, const ColumnRoom<Number>& room,
                      cudaStream_t stream) {
  column_parts_stats<<<column_grid(tile), kThreads, 0, stream>>>(tile, room);
  join_column_stats<<<blocks_of(tile.columns), kThreads, 0, stream>>>(room, column_parts(tile.rows), tile.columns,
                                                                      columns);
}

template <class Number>
void finish_stats(const double* student_sum, const double* teacher_sum, std::int64_t count, Number* student_reciprocal,
                  Number* teacher_reciprocal, Number* log_difference, cudaStream_t stream) {
  finish<<<blocks_of(count), kThreads, 0, stream>>>(student_sum, teacher_sum, count, student_reciprocal,
                                                    teacher_reciprocal, log_difference);
}

template <class Number, class Factor>
void write_factors(const FactorInput<Number>& in, const RowSums& sums, Factor* out, cudaStream_t stream) {
  with_directions(in, [&](auto rows, auto columns) {
    factors<Number, Factor, decltype(rows)::value, decltype(columns)::value>
        <<<static_cast<unsigned>(in.student.rows), kThreads, 0, stream>>>(in, sums, out);
  });
}

template <class Number>
void add_column_sums(const FactorInput<Number>& in, double* sums, const ColumnRoom<Number>& room, cudaStream_t stream) {
  with_directions(in, [&](auto rows, auto columns) {
    column_parts_sums<Number, decltype(rows)::value, decltype(columns)::value>
        <<<column_grid(in.student), kThreads, 0, stream>>>(in, room.sum);
  });
  join_column_sums<<<blocks_of(in.student.columns), kThreads, 0, stream>>>(room.sum, column_parts(in.student.rows),
                                                                           in.student.columns, sums);
}

#define DIME_SCORE_TILES(Number)                                                                                   \
  template void add_row_stats(const ScoreTile<Number>&, const LogSums<Number>&, cudaStream_t);                     \
  template void add_column_stats(const ScoreTile<Number>&, const LogSums<Number>&, const ColumnRoom<Number>&,      \
                                 cudaStream_t);                                                                    \
  template void finish_stats(const double*, const double*, std::int64_t, Number*, Number*, Number*, cudaStream_t); \
  template void write_factors(const FactorInput<Number>&, const RowSums&, Number*, cudaStream_t);                  \
  template void add_column_sums(const FactorInput<Number>&, double*, const ColumnRoom<Number>&, cudaStream_t)

DIME_SCORE_TILES(float);
DIME_SCORE_TILES(double);
template void write_factors(const FactorInput<float>&, const RowSums&, __nv_bfloat16*, cudaStream_t);

}  // namespace dime::cuda
