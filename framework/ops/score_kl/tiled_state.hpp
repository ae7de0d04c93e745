// SPDX-License-Identifier: Apache-2.0
// What the two passes over tiles work on.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "ops/score_kl/block.hpp"
#include "ops/score_kl/statistics.hpp"

namespace dime::detail {

/// A term while it is computed.
template <class Number>
struct TermState {
  TermStats<Number> rows, columns;
  torch::Tensor row_gradient, column_gradient;  ///< [.., width rounded up to a panel]
  torch::Tensor column_sums;                    ///< of the factors, where bf16 needs them for the columns' gradient
  std::vector<Divergences> divergences;         ///< of each block
  std::vector<double> scale_gradients;          ///< of each block
};

/// Which pairs and sides a pass must visit.
struct Visits {
  std::vector<bool> pairs, sides;
};

template <class Number>
struct TiledState {
  explicit TiledState(const ScorePlan& plan);

  const ScoreSide& side(int i) const { return plan.sides[static_cast<std::size_t>(i)]; }
  const ScoreOperand& rows_of(const ScoreSide& s) const {
    return plan.operands[static_cast<std::size_t>(plan.pair(s).rows)];
  }
  const ScoreOperand& columns_of(const ScoreSide& s) const {
    return plan.operands[static_cast<std::size_t>(plan.pair(s).columns)];
  }

  bool in_first_pass(const PlannedTerm& term) const { return tiling.keeps_all || term.columns_weight > 0; }

  const ScorePlan& plan;
  const ScoreKernels<Number>& kernels;
  Tiling tiling;
  Visits first;   ///< of the first pass: terms that look along columns, too; all terms, where all products are kept
  Visits second;  ///< the row statistics that are left to the second pass
  Visits all;
  std::vector<SideState<Number>> sides;
  std::vector<TermState<Number>> terms;
  KeptProducts<Number> kept;
};

/// Whether a pair's products are symmetric and one tile may serve as two.
template <class Number>
bool is_mirrored(const TiledState<Number>& state, std::size_t pair) {
  const ScorePair& p = state.plan.pairs[pair];
  return state.tiling.keeps_all && p.rows == p.columns && state.tiling.height == state.tiling.columns;
}

/// Runs both passes; then values and gradients stand in the state.
template <class Number>
void run_passes(TiledState<Number>& state);

}  // namespace dime::detail
