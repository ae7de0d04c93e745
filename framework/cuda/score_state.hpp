// SPDX-License-Identifier: Apache-2.0
// What the passes of score_kl's tiled form keep on a CUDA device: O((B + N) d), and tiles of a fixed size.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "cuda/score_tiles.hpp"
#include "ops/score_kl/plan.hpp"

namespace dime::cuda {

/// How score matrices are cut.
struct Tiling {
  std::int64_t rows = 0;     ///< of a tile
  std::int64_t columns = 0;  ///< of a tile, and the distance of its rows
  std::int64_t blocks = 0;   ///< tiles along the rows
  std::int64_t tiles = 0;    ///< tiles along the columns
};
/// For matrices of `rows` and at most `columns`, in tiles of at most `numbers` or little more.
Tiling choose_tiling(std::int64_t rows, std::int64_t columns, std::int64_t numbers);

/// A place in score matrices.
struct Place {
  std::int64_t block = 0, tile = 0;
  std::int64_t first_row = 0, rows = 0;
  std::int64_t first_column = 0;
};

/// The products of a pair at the place that was asked for last.
struct PairTile {
  torch::Tensor numbers;
  std::int64_t block = -1, tile = -1;
};

/// How a side's products become scores, and its statistics.
struct SideState {
  torch::Tensor factor;               ///< [1]
  torch::Tensor row_add, column_add;  ///< undefined: zeros
  torch::Tensor row_max, row_sum;
  torch::Tensor column_max, column_sum;  ///< undefined where no term looks along columns
};

/// A term while it is computed.
struct TermState {
  torch::Tensor row_stats, column_stats;  ///< [3, n]: reciprocals of student and teacher, log difference
  torch::Tensor divergence;               ///< [B] fp64, with the weights
  torch::Tensor row_sums, column_sums;    ///< fp64, of the factors; the columns' only where bf16 needs them
  torch::Tensor row_gradient, column_gradient;
};

struct State {
  explicit State(const detail::ScorePlan& plan);

  const detail::ScoreSide& side(int i) const { return plan.sides[static_cast<std::size_t>(i)]; }
  const detail::ScoreOperand& rows_of(int s) const { return operand(plan.pair(side(s)).rows); }
  const detail::ScoreOperand& columns_of(int s) const { return operand(plan.pair(side(s)).columns); }
  const detail::ScoreOperand& operand(int i) const { return plan.operands[static_cast<std::size_t>(i)]; }
  /// What products take of an operand.
  const torch::Tensor& matrix(int i) const { return matrices[static_cast<std::size_t>(i)]; }
  bool bf16() const { return plan.products == Products::bf16; }

  const detail::ScorePlan& plan;
  at::TensorOptions numbers;  ///< of tensors
  at::TensorOptions doubles;
  std::vector<torch::Tensor> matrices;  ///< of each operand: its words, or the normalised vectors
  Tiling tiling;
  std::vector<PairTile> pairs;
  std::vector<SideState> sides;
  std::vector<TermState> terms;
  torch::Tensor factors;             ///< of one tile
  torch::Tensor room_max, room_sum;  ///< see ColumnRoom
};

/// [n, d], in the vectors' type.
torch::Tensor normalised(const detail::ScoreOperand& x);

}  // namespace dime::cuda
