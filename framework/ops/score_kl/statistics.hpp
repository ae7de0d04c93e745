// SPDX-License-Identifier: Apache-2.0
// Log-sum-exps of score matrices, and what two of them make for a term.
#pragma once

#include <cstdint>
#include <vector>

#include <dime/comm.hpp>

#include "ops/score_kl/kernels.hpp"
#include "ops/score_kl/plan.hpp"

namespace dime::detail {

/// Running maxima and sums of exp2(score - maximum).
template <class Number>
struct LogSums {
  std::vector<Number> max;
  std::vector<double> sum;

  void reset(std::size_t size);
  /// Adds what another found for other rows of the same columns.
  void add(const LogSums& other);
  /// Brings in what the other processes found for the same columns.
  void combine(Communicator& comm);
};

/// How a side's products become scores, and its statistics.
template <class Number>
struct SideState {
  std::vector<Number> column_factor, column_add;  // [N]
  std::vector<Number> row_factor, row_add;        // [blocks * height], zero and 2 kNoScore past the last row
  LogSums<Number> rows, columns;
  std::vector<LogSums<Number>> column_parts;  // block b adds to part b mod their number

  ScoreScaling<Number> scaling(std::int64_t row, std::int64_t column) const {
    return {row_factor.data() + row, row_add.data() + row, column_factor.data() + column, column_add.data() + column};
  }
};

template <class Number>
std::vector<SideState<Number>> side_states(const ScorePlan& plan, std::int64_t padded_rows, std::int64_t column_parts);

/// A term's softmaxes along one direction.
template <class Number>
struct TermStats {
  std::vector<Number> student_reciprocal, teacher_reciprocal, log_difference;
  const Number* student_max = nullptr;
  const Number* teacher_max = nullptr;

  void reset(const LogSums<Number>& student, const LogSums<Number>& teacher);
  /// Fills entries from <= i < to.
  void finish(const LogSums<Number>& student, const LogSums<Number>& teacher, std::int64_t from, std::int64_t to);
  SoftmaxStats<Number> at(std::int64_t i) const {
    return {student_max + i, student_reciprocal.data() + i, teacher_max + i, teacher_reciprocal.data() + i,
            log_difference.data() + i};
  }
};

}  // namespace dime::detail
