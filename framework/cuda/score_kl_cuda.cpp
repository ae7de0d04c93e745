// SPDX-License-Identifier: Apache-2.0
// Two passes over tiles, as in ops/score_kl/passes.cpp: the first finds the log-sum-exps, the second the gradients.
// Rows of sides that no term looks along the columns of are found in the second, while their products are at hand.
#include "cuda/score_kl_cuda.hpp"

#include <algorithm>

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "cuda/products.hpp"
#include "cuda/score_state.hpp"

namespace dime::cuda {
namespace {

using detail::PlannedTerm;
using detail::ScoreOperand;
using detail::ScorePlan;
using detail::ScoreResult;

template <class Number>
const Number* read(const torch::Tensor& x, std::int64_t from = 0) {
  return x.defined() ? x.const_data_ptr<Number>() + from : nullptr;
}

template <class Number>
Number* write(const torch::Tensor& x, std::int64_t from = 0) {
  return x.mutable_data_ptr<Number>() + from;
}

bool weighs(const PlannedTerm& term) { return term.rows_weight > 0 || term.columns_weight > 0; }

template <class Number>
class Passes {
 public:
  explicit Passes(State& state) : s_(state), stream_(c10::cuda::getCurrentCUDAStream()) {}

  void run() {
    if (std::any_of(s_.plan.sides.begin(), s_.plan.sides.end(), [](const auto& side) { return side.columns; })) {
      for (std::int64_t b = 0; b < s_.tiling.blocks; ++b) add_stats(b, true);
      finish_columns();
    }
    for (std::int64_t b = 0; b < s_.tiling.blocks; ++b) {
      add_stats(b, false);
      finish_rows(b);
      for (std::int64_t t = 0; t < s_.tiling.tiles; ++t) {
        for (std::size_t i = 0; i < s_.terms.size(); ++i) {
          if (weighs(s_.plan.terms[i])) compare(i, place(b, t));
        }
      }
    }
  }

 private:
  Place place(std::int64_t block, std::int64_t tile) const {
    const std::int64_t first = block * s_.tiling.rows;
    return {block, tile, first, std::min(s_.tiling.rows, s_.plan.rows.count - first), tile * s_.tiling.columns};
  }

  /// Of a pair's matrix, in the tile; none where another pair's is wider.
  std::int64_t columns_at(const detail::ScorePair& pair, const Place& at) const {
    return std::clamp<std::int64_t>(s_.matrix(pair.columns).size(0) - at.first_column, 0, s_.tiling.columns);
  }

  torch::Tensor rows_at(const detail::ScorePair& pair, const Place& at) const {
    return s_.matrix(pair.rows).narrow(0, at.first_row, at.rows);
  }

  const Number* products(int index, const Place& at) {
    const auto& pair = s_.plan.pairs[static_cast<std::size_t>(index)];
    PairTile& tile = s_.pairs[static_cast<std::size_t>(index)];
    const std::int64_t columns = columns_at(pair, at);
    if ((tile.block != at.block || tile.tile != at.tile) && columns > 0) {
      multiply_by_transposed(rows_at(pair, at), s_.matrix(pair.columns).narrow(0, at.first_column, columns),
                             tile.numbers.narrow(0, 0, at.rows).narrow(1, 0, columns));
      tile.block = at.block;
      tile.tile = at.tile;
    }
    return read<Number>(tile.numbers);
  }

  ScoreTile<Number> tile(int s, const Place& at) {
    const detail::ScoreSide& plan = s_.side(s);
    const SideState& side = s_.sides[static_cast<std::size_t>(s)];
    ScoreTile<Number> tile;
    tile.products = products(plan.pair, at);
    tile.factor = read<Number>(side.factor);
    tile.row_add = read<Number>(side.row_add, at.first_row);
    tile.column_add = read<Number>(side.column_add, at.first_column);
    tile.rows = at.rows;
    tile.columns = columns_at(s_.plan.pair(plan), at);
    tile.stride = s_.tiling.columns;
    if (plan.mask_diagonal) tile.diagonal = s_.plan.rows.first + at.first_row - at.first_column;
    return tile;
  }

  ColumnRoom<Number> room() { return {write<Number>(s_.room_max), write<double>(s_.room_sum)}; }

  /// Of the sides that terms look along the columns of, or of the others.
  void add_stats(std::int64_t block, bool two_way) {
    for (std::int64_t t = 0; t < s_.tiling.tiles; ++t) {
      for (std::size_t i = 0; i < s_.sides.size(); ++i) {
        if (s_.plan.sides[i].columns == two_way) add_stats(static_cast<int>(i), place(block, t));
      }
    }
  }

  void add_stats(int s, const Place& at) {
    const ScoreTile<Number> tile = this->tile(s, at);
    if (tile.columns == 0) return;
    const SideState& side = s_.sides[static_cast<std::size_t>(s)];
    add_row_stats<Number>(tile, {write<Number>(side.row_max, at.first_row), write<double>(side.row_sum, at.first_row)},
                          stream_);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    if (!s_.side(s).columns) return;
    add_column_stats<Number>(
        tile, {write<Number>(side.column_max, at.first_column), write<double>(side.column_sum, at.first_column)},
        room(), stream_);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }

  void finish(const torch::Tensor& student_sum, const torch::Tensor& teacher_sum, const torch::Tensor& stats,
              std::int64_t from, std::int64_t count) {
    finish_stats<Number>(read<double>(student_sum, from), read<double>(teacher_sum, from), count,
                         write<Number>(stats[0], from), write<Number>(stats[1], from), write<Number>(stats[2], from),
                         stream_);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }

  const SideState& student(const PlannedTerm& term) const { return s_.sides[static_cast<std::size_t>(term.student)]; }
  const SideState& teacher(const PlannedTerm& term) const { return s_.sides[static_cast<std::size_t>(term.teacher)]; }

  void finish_rows(std::int64_t block) {
    const Place at = place(block, 0);
    for (std::size_t i = 0; i < s_.terms.size(); ++i) {
      const PlannedTerm& plan = s_.plan.terms[i];
      finish(student(plan).row_sum, teacher(plan).row_sum, s_.terms[i].row_stats, at.first_row, at.rows);
    }
  }

  /// Brings in what the other processes found for the same columns.
  void combine(SideState& side) {
    const auto own = side.column_max.clone();
    s_.plan.comm->all_reduce_max(side.column_max);
    side.column_sum.mul_(at::exp2((own - side.column_max).to(at::kDouble)));
    s_.plan.comm->all_reduce_sum(side.column_sum);
  }

  void finish_columns() {
    for (auto& side : s_.sides) {
      if (side.column_max.defined() && s_.plan.comm != nullptr) combine(side);
    }
    for (std::size_t i = 0; i < s_.terms.size(); ++i) {
      const PlannedTerm& plan = s_.plan.terms[i];
      if (!looks_along_columns(plan)) continue;
      const auto& stats = s_.terms[i].column_stats;
      finish(student(plan).column_sum, teacher(plan).column_sum, stats, 0, stats.size(1));
    }
  }

  SoftmaxStats<Number> softmaxes(const torch::Tensor& student_max, const torch::Tensor& teacher_max,
                                 const torch::Tensor& stats, std::int64_t from) const {
    return {read<Number>(student_max, from), read<Number>(stats[0], from), read<Number>(teacher_max, from),
            read<Number>(stats[1], from), read<Number>(stats[2], from)};
  }

  FactorInput<Number> factor_input(std::size_t i, const Place& at) {
    const PlannedTerm& plan = s_.plan.terms[i];
    const TermState& term = s_.terms[i];
    FactorInput<Number> in;
    in.student = tile(plan.student, at);
    in.teacher = tile(plan.teacher, at);
    if (plan.rows_weight > 0) {
      in.rows = softmaxes(student(plan).row_max, teacher(plan).row_max, term.row_stats, at.first_row);
    }
    if (looks_along_columns(plan)) {
      in.columns = softmaxes(student(plan).column_max, teacher(plan).column_max, term.column_stats, at.first_column);
    }
    in.column_ratio = static_cast<Number>(weights_of(plan).column_ratio);
    return in;
  }

  void compare(std::size_t i, const Place& at) {
    if (columns_at(s_.plan.pair(s_.side(s_.plan.terms[i].student)), at) == 0) return;
    const PlannedTerm& plan = s_.plan.terms[i];
    const TermState& term = s_.terms[i];
    const FactorInput<Number> in = factor_input(i, at);
    const RowSums sums{write<double>(term.divergence, at.first_row), write<double>(term.row_sums, at.first_row),
                       plan.rows_weight, plan.columns_weight};
    make_factors(in, sums);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    add_gradients(i, at, in.student.columns);
    if (!term.column_sums.defined()) return;
    add_column_sums<Number>(in, write<double>(term.column_sums, at.first_column), room(), stream_);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }

  void make_factors(const FactorInput<Number>& in, const RowSums& sums);

  void add_gradients(std::size_t i, const Place& at, std::int64_t columns) {
    const TermState& term = s_.terms[i];
    const auto& pair = s_.plan.pair(s_.side(s_.plan.terms[i].student));
    const auto factors = s_.factors.narrow(0, 0, at.rows).narrow(1, 0, columns);
    if (term.row_gradient.defined()) {
      add_product(factors, s_.matrix(pair.columns).narrow(0, at.first_column, columns),
                  term.row_gradient.narrow(0, at.first_row, at.rows));
    }
    if (term.column_gradient.defined()) {
      add_transposed_product(factors, rows_at(pair, at), term.column_gradient.narrow(0, at.first_column, columns));
    }
  }

  State& s_;
  cudaStream_t stream_;
};

template <>
void Passes<float>::make_factors(const FactorInput<float>& in, const RowSums& sums) {
  if (!s_.bf16()) return write_factors(in, sums, write<float>(s_.factors), stream_);
  static_assert(sizeof(__nv_bfloat16) == sizeof(at::BFloat16));
  write_factors(in, sums, static_cast<__nv_bfloat16*>(s_.factors.mutable_data_ptr()), stream_);
}

template <>
void Passes<double>::make_factors(const FactorInput<double>& in, const RowSums& sums) {
  write_factors(in, sums, write<double>(s_.factors), stream_);
}

/// In place: from the gradient of normalised vectors, not yet weighted, to that of the vectors. Gives the products of
/// the weighted gradients with the normalised vectors, but for the scale.
torch::Tensor denormalise(torch::Tensor& gradient, const ScoreOperand& x, const PlannedTerm& plan) {
  const double common = weights_of(plan).common;
  const auto n = normalised(x);
  const auto along = (gradient * n).sum(1, true);
  gradient.addcmul_(n, along, -1).mul_(x.inverse_norms.unsqueeze(1)).mul_(common * plan.scale);
  if (plan.learnt_scale.defined()) gradient.mul_(plan.learnt_scale);
  return along * common;
}

/// The part of the gradient that bf16 operands, less their mean, leave out.
void add_mean(const torch::Tensor& gradient, const torch::Tensor& sums, const ScoreOperand& x) {
  gradient.narrow(1, 0, x.vectors.size(1)).addr_(sums.to(gradient.scalar_type()), x.mean);
}

ScoreResult result_of(State& state, std::size_t i) {
  const PlannedTerm& plan = state.plan.terms[i];
  TermState& term = state.terms[i];
  const ScoreOperand &rows = state.rows_of(plan.student), &columns = state.columns_of(plan.student);
  const std::int64_t width = rows.vectors.size(1);
  ScoreResult r;
  r.value = term.divergence.sum();
  r.scale_gradient = at::zeros({}, state.doubles);
  if (plan.row_gradient) {
    if (state.bf16()) add_mean(term.row_gradient, term.row_sums, columns);
    r.row_gradient = term.row_gradient.narrow(1, 0, width);
    r.scale_gradient = denormalise(r.row_gradient, rows, plan).sum(at::kDouble);
  }
  if (plan.column_gradient) {
    // Every process has a mean of its own.
    if (state.bf16()) add_mean(term.column_gradient, term.column_sums, rows);
    if (state.plan.comm != nullptr) state.plan.comm->all_reduce_sum(term.column_gradient);
    auto gradient = term.column_gradient.narrow(1, 0, width);
    denormalise(gradient, columns, plan);
    r.column_gradient = gradient.narrow(0, plan.first_column, plan.own_columns);
  }
  return r;
}

}  // namespace

std::vector<ScoreResult> tiled_score_kl(const ScorePlan& plan) {
  const c10::cuda::CUDAGuard guard(plan.operands[0].vectors.device());
  State state(plan);
  if (state.numbers.dtype() == at::kDouble) {
    Passes<double>(state).run();
  } else {
    Passes<float>(state).run();
  }
  std::vector<ScoreResult> results;
  for (std::size_t i = 0; i < plan.terms.size(); ++i) results.push_back(result_of(state, i));
  return results;
}

}  // namespace dime::cuda
