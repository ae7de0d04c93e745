// SPDX-License-Identifier: Apache-2.0
// What score_kl does with the products of a tile, to be compiled for several kinds of processor. Each rounding is
// written out (Target::fma), so that student and teacher cancel where they are equal.
#pragma once

#include "ops/score_kl/kernels.hpp"
#include "ops/score_kl/lanes.hpp"

namespace dime::detail::softmax {

/// What a vector of rows shares in all columns.
template <class Target>
struct RowScaling {
  typename Target::Lanes factor, add;

  RowScaling(const ScoreScaling<typename Target::Number>& s, int row)
      : factor(lanes::load<typename Target::Lanes>(s.row_factor + row)),
        add(lanes::load<typename Target::Lanes>(s.row_add + row)) {}

  [[gnu::always_inline]] typename Target::Lanes score(const ScoreTile<typename Target::Number>& tile, int row,
                                                      int column) const {
    using Lanes = typename Target::Lanes;
    const auto product = lanes::load<Lanes>(tile.products + static_cast<std::ptrdiff_t>(column) * tile.height + row);
    return Target::fma(product * tile.scaling.column_factor[column], factor, add) + tile.scaling.column_add[column];
  }
};

template <class Target>
void row_stats(const ScoreTile<typename Target::Number>& tile, typename Target::Number* max, double* sum) {
  using Lanes = typename Target::Lanes;
  for (int row = 0; row < tile.height; row += lanes::width<Target>) {
    const RowScaling<Target> scaling(tile.scaling, row);
    const auto before = lanes::load<Lanes>(max + row);
    Lanes most = before;
    for (int j = 0; j < tile.columns; ++j) most = lanes::max(most, scaling.score(tile, row, j));
    lanes::CarryingSum<Lanes> added;
    for (int j = 0; j < tile.columns; ++j) added.add(Target::exp2(scaling.score(tile, row, j) - most));
    const Lanes rescale = Target::exp2(before - most);
    for (int i = 0; i < lanes::width<Target>; ++i) sum[row + i] = sum[row + i] * rescale[i] + added.of(i);
    lanes::store(max + row, most);
  }
}

template <class Target>
void column_stats(const ScoreTile<typename Target::Number>& tile, typename Target::Number* max, double* sum) {
  using Lanes = typename Target::Lanes;
  using Number = typename Target::Number;
  for (int j = 0; j < tile.columns; ++j) {
    Lanes most = Lanes{} + max[j];
    for (int row = 0; row < tile.height; row += lanes::width<Target>) {
      most = lanes::max(most, RowScaling<Target>(tile.scaling, row).score(tile, row, j));
    }
    const Number top = lanes::horizontal_max<Target>(most);
    lanes::CarryingSum<Lanes> added;
    for (int row = 0; row < tile.height; row += lanes::width<Target>) {
      added.add(Target::exp2(RowScaling<Target>(tile.scaling, row).score(tile, row, j) - top));
    }
    sum[j] *= Target::exp2(Lanes{} + (max[j] - top))[0];
    for (int i = 0; i < lanes::width<Target>; ++i) sum[j] += added.of(i);
    max[j] = top;
  }
}

/// The statistics of one direction, for a vector of rows or for one column.
template <class Target>
struct Direction {
  typename Target::Lanes student_max, student_reciprocal, teacher_max, teacher_reciprocal, log_difference;

  static Direction of_rows(const SoftmaxStats<typename Target::Number>& s, int row) {
    using Lanes = typename Target::Lanes;
    return {lanes::load<Lanes>(s.student_max + row), lanes::load<Lanes>(s.student_reciprocal + row),
            lanes::load<Lanes>(s.teacher_max + row), lanes::load<Lanes>(s.teacher_reciprocal + row),
            lanes::load<Lanes>(s.log_difference + row)};
  }
  static Direction of_column(const SoftmaxStats<typename Target::Number>& s, int column) {
    return {Target::broadcast(s.student_max + column), Target::broadcast(s.student_reciprocal + column),
            Target::broadcast(s.teacher_max + column), Target::broadcast(s.teacher_reciprocal + column),
            Target::broadcast(s.log_difference + column)};
  }
};

/// Student's less teacher's probability, and p_t log(p_t / p_s) + p_s - p_t, whose sum is the divergence and no part of
/// which is negative.
template <class Target>
[[gnu::always_inline]] inline typename Target::Lanes compare(const Direction<Target>& d,
                                                             const typename Target::Lanes& student,
                                                             const typename Target::Lanes& teacher,
                                                             typename Target::Lanes& divergence) {
  using Lanes = typename Target::Lanes;
  constexpr typename Target::Number ln2 = 0.693147180559945309417;
  const Lanes below_student = student - d.student_max, below_teacher = teacher - d.teacher_max;
  const Lanes p = Target::exp2(below_student) * d.student_reciprocal;
  const Lanes q = Target::exp2(below_teacher) * d.teacher_reciprocal;
  const Lanes difference = p - q;
  const Lanes log = ((below_teacher - below_student) - d.log_difference) * ln2;
  // exp(-x) - 1 + x: where x is small, the three terms would cancel.
  Lanes series = Lanes{} + Target::series[4];
  for (int i = 3; i >= 0; --i) series = Target::fma(series, log, Lanes{} + Target::series[i]);
  const Lanes near = q * log * log * series;
  const Lanes far = Target::fma(q, log, difference);
  divergence += lanes::max(-log, log) < Lanes{} + Target::series_until ? near : far;
  return difference;
}

template <class Target, bool Rows, bool Columns>
Divergences tile_factors(const FactorInput<typename Target::Number>& in, typename Target::Number* factors,
                         typename Target::Number* row_sums, typename Target::Number* column_sums) {
  using Lanes = typename Target::Lanes;
  Divergences total;
  // Copies, which what is written cannot change.
  const ScoreTile<typename Target::Number> student_tile = in.student, teacher_tile = in.teacher;
  const auto of_columns = Columns ? *in.columns : SoftmaxStats<typename Target::Number>{};
  const Lanes column_ratio = Lanes{} + in.column_ratio;
  const int height = in.student.height, columns = in.student.columns;
  for (int row = 0; row < height; row += lanes::width<Target>) {
    const RowScaling<Target> student(student_tile.scaling, row), teacher(teacher_tile.scaling, row);
    const Direction<Target> of_rows = Rows ? Direction<Target>::of_rows(*in.rows, row) : Direction<Target>{};
    Lanes rows_divergence{}, columns_divergence{}, sums = lanes::load<Lanes>(row_sums + row);
    for (int j = 0; j < columns; ++j) {
      const Lanes s = student.score(student_tile, row, j), t = teacher.score(teacher_tile, row, j);
      Lanes factor{};
      if (Rows) factor = compare<Target>(of_rows, s, t, rows_divergence);
      if (Columns) {
        const Lanes by_column = compare<Target>(Direction<Target>::of_column(of_columns, j), s, t, columns_divergence);
        factor = Target::fma(by_column, column_ratio, factor);
      }
      sums += factor;
      if (column_sums != nullptr) column_sums[j] += lanes::horizontal_sum<Target>(factor);
      lanes::store(factors + static_cast<std::ptrdiff_t>(j) * height + row, factor);
    }
    lanes::store(row_sums + row, sums);
    total.rows += lanes::horizontal_sum<Target>(rows_divergence);
    total.columns += lanes::horizontal_sum<Target>(columns_divergence);
  }
  return total;
}

template <class Target>
Divergences factors(const FactorInput<typename Target::Number>& in, typename Target::Number* factors,
                    typename Target::Number* row_sums, typename Target::Number* column_sums) {
  if (in.rows != nullptr && in.columns != nullptr) {
    return tile_factors<Target, true, true>(in, factors, row_sums, column_sums);
  }
  return in.rows != nullptr ? tile_factors<Target, true, false>(in, factors, row_sums, column_sums)
                            : tile_factors<Target, false, true>(in, factors, row_sums, column_sums);
}

}  // namespace dime::detail::softmax
