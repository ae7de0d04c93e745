// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/statistics.hpp"

#include <algorithm>
#include <cmath>

#include <torch/types.h>

namespace dime::detail {
namespace {

template <class Number>
torch::Tensor view(std::vector<Number>& x) {
  return torch::from_blob(x.data(), {static_cast<std::int64_t>(x.size())}, c10::CppTypeToScalarType<Number>::value);
}

template <class Number>
void write(std::vector<Number>& to, const torch::Tensor& from) {
  view(to).narrow(0, 0, from.size(0)).copy_(from);
}

/// bf16 products are those of (a - A) and (b - B), with A and B the means: a b = (a - A)(b - B) + a B + A b - A B.
template <class Number>
void scale_centred(const ScoreOperand& a, const ScoreOperand& b, double factor, SideState<Number>& side) {
  const auto along_rows = at::mv(a.vectors, b.mean) * a.inverse_norms;
  const auto along_columns = at::mv(b.vectors, a.mean) * b.inverse_norms - at::dot(a.mean, b.mean);
  write(side.row_add, along_rows * factor);
  write(side.column_add, along_columns * factor);
}

}  // namespace

template <class Number>
void LogSums<Number>::reset(std::size_t size) {
  max.assign(size, static_cast<Number>(3 * kNoScore));
  sum.assign(size, 0);
}

template <class Number>
void LogSums<Number>::add(const LogSums& other) {
  for (std::size_t i = 0; i < max.size(); ++i) {
    const Number most = std::max(max[i], other.max[i]);
    const auto share = [&](Number top, double part) {
      return part == 0 ? 0 : part * std::exp2(static_cast<double>(top) - static_cast<double>(most));
    };
    sum[i] = share(max[i], sum[i]) + share(other.max[i], other.sum[i]);
    max[i] = most;
  }
}

template <class Number>
void LogSums<Number>::combine(Communicator& comm) {
  const auto own = view(max).clone();
  auto most = view(max), sums = view(sum);
  comm.all_reduce_max(most);
  sums.mul_(at::exp2((own - most).to(at::kDouble)));
  comm.all_reduce_sum(sums);
}

template <class Number>
std::vector<SideState<Number>> side_states(const ScorePlan& plan, std::int64_t padded_rows, std::int64_t column_parts) {
  std::vector<SideState<Number>> states(plan.sides.size());
  for (std::size_t s = 0; s < states.size(); ++s) {
    const ScoreSide& side = plan.sides[s];
    const auto& a = plan.operands[static_cast<std::size_t>(plan.pair(side).rows)];
    const auto& b = plan.operands[static_cast<std::size_t>(plan.pair(side).columns)];
    SideState<Number>& state = states[s];
    const auto rows = static_cast<std::size_t>(a.vectors.size(0)),
               columns = static_cast<std::size_t>(b.vectors.size(0));
    // Less than any masked score: a column of which all is masked has no part of rows that are none.
    state.row_add.assign(static_cast<std::size_t>(padded_rows), static_cast<Number>(2 * kNoScore));
    std::fill_n(state.row_add.begin(), rows, Number{0});
    state.row_factor.assign(static_cast<std::size_t>(padded_rows), 0);
    state.column_add.assign(columns, 0);
    state.column_factor.assign(columns, 1);
    if (plan.products == Products::bf16) {
      std::fill_n(state.row_factor.begin(), rows, static_cast<Number>(side.factor));
      scale_centred(a, b, side.factor, state);
    } else {
      write(state.row_factor, a.inverse_norms * side.factor);
      write(state.column_factor, b.inverse_norms);
    }
    state.rows.reset(static_cast<std::size_t>(padded_rows));
    if (!side.columns) continue;
    state.columns.reset(columns);
    state.column_parts.resize(static_cast<std::size_t>(column_parts));
    for (auto& part : state.column_parts) part.reset(columns);
  }
  return states;
}

template <class Number>
void TermStats<Number>::reset(const LogSums<Number>& student, const LogSums<Number>& teacher) {
  student_reciprocal.resize(student.max.size());
  teacher_reciprocal.resize(student.max.size());
  log_difference.resize(student.max.size());
  student_max = student.max.data();
  teacher_max = teacher.max.data();
}

template <class Number>
void TermStats<Number>::finish(const LogSums<Number>& student, const LogSums<Number>& teacher, std::int64_t from,
                               std::int64_t to) {
  for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
    student_reciprocal[i] = static_cast<Number>(1 / student.sum[i]);
    teacher_reciprocal[i] = static_cast<Number>(1 / teacher.sum[i]);
    log_difference[i] = static_cast<Number>(std::log2(teacher.sum[i] / student.sum[i]));
  }
}

template struct LogSums<float>;
template struct LogSums<double>;
template struct TermStats<float>;
template struct TermStats<double>;
template std::vector<SideState<float>> side_states(const ScorePlan&, std::int64_t, std::int64_t);
template std::vector<SideState<double>> side_states(const ScorePlan&, std::int64_t, std::int64_t);

}  // namespace dime::detail
