// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/score_kl/room.hpp"
#include "ops/score_kl/tiled_state.hpp"

namespace dime::detail {
namespace {

template <class Number>
const ScoreKernels<Number>& kernels_of(Products products);
template <>
const ScoreKernels<float>& kernels_of(Products products) {
  return score_kernels(products == Products::bf16);
}
template <>
const ScoreKernels<double>& kernels_of(Products) {
  return double_score_kernels();
}

Visits visits(const ScorePlan& plan, bool one_way, bool two_way) {
  Visits v{std::vector<bool>(plan.pairs.size()), std::vector<bool>(plan.sides.size())};
  for (const auto& term : plan.terms) {
    if (!(looks_along_columns(term) ? two_way : one_way)) continue;
    for (const int s : {term.student, term.teacher}) {
      v.sides[static_cast<std::size_t>(s)] = true;
      v.pairs[static_cast<std::size_t>(plan.sides[static_cast<std::size_t>(s)].pair)] = true;
    }
  }
  return v;
}

template <class Number>
Tiling tiling_of(const ScorePlan& plan, const ScoreKernels<Number>& kernels) {
  const auto count = [](const Visits& v) { return static_cast<int>(std::count(v.pairs.begin(), v.pairs.end(), true)); };
  TileShape shape;
  shape.kept = plan.kept;
  shape.panel = kernels.panel;
  shape.group = kernels.group;
  shape.rows = plan.rows.count;
  for (const auto& pair : plan.pairs) {
    shape.columns = std::max(shape.columns, plan.operands[static_cast<std::size_t>(pair.columns)].vectors.size(0));
    shape.symmetric = shape.symmetric || pair.rows == pair.columns;
  }
  for (const auto& x : plan.operands) {
    if (x.words.defined()) shape.copies += static_cast<std::int64_t>(x.words.nbytes());
  }
  shape.number = sizeof(Number);
  shape.two_way_pairs = count(visits(plan, false, true));
  shape.row_pairs = count(visits(plan, true, true)) - shape.two_way_pairs;
  shape.threads = at::get_num_threads();
  return choose_tiling(shape);
}

template <class Number>
KeptProducts<Number> make_kept(const TiledState<Number>& state) {
  KeptProducts<Number> kept;
  int count = 0;
  for (const bool kept_pair : state.first.pairs) kept.place.push_back(kept_pair ? count++ : -1);
  const auto& t = state.tiling;
  const std::int64_t tile = static_cast<std::int64_t>(t.height) * t.columns;
  kept.numbers = make_room<Number>({count * t.kept_blocks * t.tiles * tile});
  return kept;
}

template <class Number>
std::vector<TermState<Number>> make_terms(const TiledState<Number>& state) {
  std::vector<TermState<Number>> terms(state.plan.terms.size());
  const std::int64_t panel = state.kernels.panel;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const PlannedTerm& plan = state.plan.terms[i];
    const auto& vectors = state.columns_of(state.side(plan.student)).vectors;
    const std::int64_t columns = vectors.size(0), width = (vectors.size(1) + panel - 1) / panel * panel;
    terms[i].divergences.resize(static_cast<std::size_t>(state.tiling.blocks));
    terms[i].scale_gradients.resize(static_cast<std::size_t>(state.tiling.blocks));
    if (plan.row_gradient) terms[i].row_gradient = make_room<Number>({state.plan.rows.count, width});
    if (!plan.column_gradient) continue;
    terms[i].column_gradient = make_room<Number>({columns, width});
    if (state.plan.products == Products::bf16)
      terms[i].column_sums = at::zeros({columns}, c10::CppTypeToScalarType<Number>::value);
  }
  return terms;
}

/// The columns' gradient, of all columns, as that of the vectors that were given.
template <class Number>
torch::Tensor finish_columns(TiledState<Number>& state, std::size_t i) {
  const PlannedTerm& plan = state.plan.terms[i];
  TermState<Number>& term = state.terms[i];
  const auto& operand = state.columns_of(state.side(plan.student));
  const auto& rows = state.rows_of(state.side(plan.student));
  auto gradient = term.column_gradient;
  if (state.plan.comm != nullptr) {
    if (term.column_sums.defined()) {
      // Every process has a mean of its own.
      gradient.narrow(1, 0, rows.vectors.size(1)).addr_(term.column_sums, rows.mean);
      term.column_sums.zero_();
    }
    state.plan.comm->all_reduce_sum(gradient);
  }
  const auto factor = static_cast<Number>(weights_of(plan).common * plan.scale);
  const Number* mean = term.column_sums.defined() ? rows.mean.template const_data_ptr<Number>() : nullptr;
  const Number* sums = mean != nullptr ? term.column_sums.template const_data_ptr<Number>() : nullptr;
  const auto* norms = operand.inverse_norms.template const_data_ptr<Number>();
  const auto* vectors = operand.vectors.template const_data_ptr<Number>();
  auto* out = gradient.template mutable_data_ptr<Number>();
  const std::int64_t width = operand.vectors.size(1), stride = gradient.size(1);
  at::parallel_for(0, gradient.size(0), 64, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t j = from; j < to; ++j) {
      state.kernels.denormalise(out + j * stride, vectors + j * width, norms[j], factor, mean,
                                sums != nullptr ? sums[j] : 0, static_cast<int>(width));
    }
  });
  return gradient.narrow(1, 0, width).narrow(0, plan.first_column, plan.own_columns);
}

template <class Number>
ScoreResult result_of(TiledState<Number>& state, std::size_t i) {
  const PlannedTerm& plan = state.plan.terms[i];
  TermState<Number>& term = state.terms[i];
  ScoreResult r;
  double value = 0, scale_gradient = 0;
  for (const auto& d : term.divergences) value += plan.rows_weight * d.rows + plan.columns_weight * d.columns;
  for (const double x : term.scale_gradients) scale_gradient += x;
  r.value = at::scalar_tensor(value, at::kDouble);
  r.scale_gradient = at::scalar_tensor(scale_gradient, at::kDouble);
  if (plan.row_gradient)
    r.row_gradient = term.row_gradient.narrow(1, 0, state.rows_of(state.side(plan.student)).vectors.size(1));
  if (plan.column_gradient) r.column_gradient = finish_columns(state, i);
  return r;
}

template <class Number>
std::vector<ScoreResult> tiled(const ScorePlan& plan) {
  TiledState<Number> state(plan);
  run_passes(state);
  std::vector<ScoreResult> results;
  for (std::size_t i = 0; i < plan.terms.size(); ++i) results.push_back(result_of(state, i));
  return results;
}

}  // namespace

namespace {

/// Enough that a block's part is free again when it comes.
std::int64_t column_parts(const Tiling& tiling) {
  return std::min<std::int64_t>(tiling.blocks, std::max(16, 2 * at::get_num_threads()));
}

/// What the first pass has not seen.
Visits without(Visits visits, const Visits& seen) {
  for (std::size_t i = 0; i < visits.sides.size(); ++i) visits.sides[i] = visits.sides[i] && !seen.sides[i];
  for (std::size_t i = 0; i < visits.pairs.size(); ++i) visits.pairs[i] = visits.pairs[i] && !seen.pairs[i];
  return visits;
}

}  // namespace

template <class Number>
TiledState<Number>::TiledState(const ScorePlan& p)
    : plan(p),
      kernels(kernels_of<Number>(p.products)),
      tiling(tiling_of(p, kernels)),
      first(visits(p, tiling.keeps_all, true)),
      second(without(visits(p, true, false), first)),
      all(visits(p, true, true)),
      sides(side_states<Number>(p, tiling.blocks * tiling.height, column_parts(tiling))),
      terms(make_terms(*this)),
      kept(make_kept(*this)) {}

template struct TiledState<float>;
template struct TiledState<double>;

std::vector<ScoreResult> tiled_score_kl(const ScorePlan& plan) {
  return plan.operands[0].vectors.scalar_type() == at::kDouble ? tiled<double>(plan) : tiled<float>(plan);
}

}  // namespace dime::detail
