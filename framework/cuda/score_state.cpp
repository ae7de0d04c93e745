// SPDX-License-Identifier: Apache-2.0
#include "cuda/score_state.hpp"

#include <algorithm>
#include <array>

#include "ops/score_kl/kernels.hpp"

namespace dime::cuda {
namespace {

constexpr std::int64_t kTileBytes = 256LL << 20;  // of all tiles together
constexpr std::int64_t kLeastRows = 1024;         // of a tile that is cut along the columns
constexpr std::int64_t kColumnStep = 64;          // so that cuBLAS finds rows aligned

std::int64_t over(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

Tiling tiling_of(const State& state) {
  std::int64_t columns = 0;
  for (const auto& pair : state.plan.pairs) columns = std::max(columns, state.matrix(pair.columns).size(0));
  const auto number = static_cast<std::int64_t>(state.numbers.dtype().itemsize());
  const auto bytes = number * (static_cast<std::int64_t>(state.plan.pairs.size()) + 1);
  return choose_tiling(state.plan.rows.count, columns, kTileBytes / bytes);
}

/// bf16 products are those of (a - A) and (b - B), with A and B the means: a b = (a - A)(b - B) + a B + A b - A B.
void scale_centred(const detail::ScoreOperand& a, const detail::ScoreOperand& b, SideState& side) {
  side.row_add = (at::mv(a.vectors, b.mean) * a.inverse_norms).mul_(side.factor);
  side.column_add = (at::mv(b.vectors, a.mean) * b.inverse_norms).sub_(at::dot(a.mean, b.mean)).mul_(side.factor);
}

SideState side_state(const State& state, int s) {
  const detail::ScoreSide& plan = state.side(s);
  const auto &a = state.rows_of(s), &b = state.columns_of(s);
  const std::int64_t rows = a.vectors.size(0), columns = b.vectors.size(0);
  const double least = 3 * detail::kNoScore;
  SideState side;
  side.factor = at::full({1}, plan.factor, state.numbers);
  if (plan.learnt_scale.defined()) side.factor.mul_(plan.learnt_scale);
  if (state.bf16()) scale_centred(a, b, side);
  side.row_max = at::full({rows}, least, state.numbers);
  side.row_sum = at::zeros({rows}, state.doubles);
  if (!plan.columns) return side;
  side.column_max = at::full({columns}, least, state.numbers);
  side.column_sum = at::zeros({columns}, state.doubles);
  return side;
}

TermState term_state(const State& state, const detail::PlannedTerm& plan) {
  const detail::ScorePair& pair = state.plan.pair(state.side(plan.student));
  const auto &rows = state.matrix(pair.rows), &columns = state.matrix(pair.columns);
  TermState term;
  term.row_stats = at::empty({3, rows.size(0)}, state.numbers);
  if (looks_along_columns(plan)) term.column_stats = at::empty({3, columns.size(0)}, state.numbers);
  term.divergence = at::zeros({rows.size(0)}, state.doubles);
  term.row_sums = at::zeros({rows.size(0)}, state.doubles);
  if (plan.row_gradient) term.row_gradient = at::zeros(rows.sizes(), state.numbers);
  if (!plan.column_gradient) return term;
  term.column_gradient = at::zeros(columns.sizes(), state.numbers);
  if (state.bf16()) term.column_sums = at::zeros({columns.size(0)}, state.doubles);
  return term;
}

}  // namespace

Tiling choose_tiling(std::int64_t rows, std::int64_t columns, std::int64_t numbers) {
  // As wide as can be: where a tile holds whole rows, its products serve both passes.
  const std::int64_t widest = std::max<std::int64_t>(1, numbers / std::min(rows, kLeastRows) / kColumnStep);
  Tiling t;
  t.columns = over(over(columns, over(columns, widest * kColumnStep)), kColumnStep) * kColumnStep;
  t.tiles = over(columns, t.columns);
  t.blocks = over(rows, std::max<std::int64_t>(1, numbers / t.columns));
  t.rows = over(rows, t.blocks);
  t.blocks = over(rows, t.rows);
  return t;
}

torch::Tensor normalised(const detail::ScoreOperand& x) { return x.vectors * x.inverse_norms.unsqueeze(1); }

State::State(const detail::ScorePlan& p)
    : plan(p), numbers(p.operands[0].vectors.options()), doubles(numbers.dtype(at::kDouble)) {
  for (const auto& x : plan.operands) matrices.push_back(bf16() ? x.words : normalised(x));
  tiling = tiling_of(*this);
  const std::array<std::int64_t, 2> shape{tiling.rows, tiling.columns};
  for (std::size_t i = 0; i < plan.pairs.size(); ++i) pairs.push_back({at::empty(shape, numbers)});
  for (std::size_t i = 0; i < plan.sides.size(); ++i) sides.push_back(side_state(*this, static_cast<int>(i)));
  for (const auto& term : plan.terms) terms.push_back(term_state(*this, term));
  factors = at::empty(shape, bf16() ? numbers.dtype(at::kBFloat16) : numbers);
  room_max = at::empty({column_parts(tiling.rows) * tiling.columns}, numbers);
  room_sum = at::empty({column_parts(tiling.rows) * tiling.columns}, doubles);
}

}  // namespace dime::cuda
