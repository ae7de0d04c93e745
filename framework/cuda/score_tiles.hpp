// SPDX-License-Identifier: Apache-2.0
// The kernels of score_kl's tiled form on CUDA: twins of those in ops/score_kl/kernels.hpp. Torch-free. Every pointer
// is to memory of the device; every function only puts work on a stream. Sums are taken in a fixed order.
//
// A tile is a part of a score matrix, row after row, `stride` numbers apart. Its scores over temperature, in units of
// log2(e), are product(i, j) * *factor + row_add[i] + column_add[j].
#pragma once

#include <cstdint>
#include <limits>

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

namespace dime::cuda {

template <class Number>
struct ScoreTile {
  const Number* products = nullptr;
  const Number* factor = nullptr;      ///< one number: it may be learnt, so the host does not know it
  const Number* row_add = nullptr;     ///< of the tile's first row; null: zeros
  const Number* column_add = nullptr;  ///< of its first column; null: zeros
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
  /// Row i does not see column i + diagonal of the tile.
  std::int64_t diagonal = std::numeric_limits<std::int64_t>::min();
};

/// Of one direction: running maxima and sums of exp2(score - maximum).
template <class Number>
struct LogSums {
  Number* max = nullptr;
  double* sum = nullptr;
};

/// Of a term's two sides in one direction; see SoftmaxStats in ops/score_kl/kernels.hpp.
template <class Number>
struct SoftmaxStats {
  const Number* student_max = nullptr;  ///< null: without this direction
  const Number* student_reciprocal = nullptr;
  const Number* teacher_max = nullptr;
  const Number* teacher_reciprocal = nullptr;
  const Number* log_difference = nullptr;
};

/// Sides of one shape, and the statistics of the tile's rows and columns.
template <class Number>
struct FactorInput {
  ScoreTile<Number> student, teacher;
  SoftmaxStats<Number> rows, columns;
  Number column_ratio = 0;  ///< the weight of the columns' direction beside the rows' (1)
};

/// What a tile adds to each row.
struct RowSums {
  double* divergence = nullptr;  ///< rows_weight and columns_weight times the directions' parts
  double* factors = nullptr;
  double rows_weight = 0;
  double columns_weight = 0;
};

/// Room for what parts of a tile's columns give: `column_parts(rows)` times the tile's columns of each.
template <class Number>
struct ColumnRoom {
  Number* max = nullptr;
  double* sum = nullptr;
};
std::int64_t column_parts(std::int64_t rows);

/// Brings the statistics of the tile's rows up to date.
template <class Number>
void add_row_stats(const ScoreTile<Number>& tile, const LogSums<Number>& rows, cudaStream_t stream);
/// The same of its columns.
template <class Number>
void add_column_stats(const ScoreTile<Number>& tile, const LogSums<Number>& columns, const ColumnRoom<Number>& room,
                      cudaStream_t stream);
/// Both reciprocals and the log difference of `count` rows or columns, from their sums.
template <class Number>
void finish_stats(const double* student_sum, const double* teacher_sum, std::int64_t count, Number* student_reciprocal,
                  Number* teacher_reciprocal, Number* log_difference, cudaStream_t stream);
/// factors, laid out as the tile = student's less teacher's softmax, the columns' times column_ratio.
template <class Number, class Factor>
void write_factors(const FactorInput<Number>& in, const RowSums& sums, Factor* factors, cudaStream_t stream);
/// Adds the factors, before they are rounded, of each column to sums.
template <class Number>
void add_column_sums(const FactorInput<Number>& in, double* sums, const ColumnRoom<Number>& room, cudaStream_t stream);

}  // namespace dime::cuda
