// SPDX-License-Identifier: Apache-2.0
// One worker's room, and the products of the block of rows that it works on.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/score_kl/geometry.hpp"
#include "ops/score_kl/kernels.hpp"
#include "ops/score_kl/plan.hpp"

namespace dime::detail {

/// Products of pairs that are kept between the passes: [pair][block][tile][columns][height]. Shared by the workers.
template <class Number>
struct KeptProducts {
  torch::Tensor numbers;
  std::vector<int> place;  ///< of each pair, -1: not kept
  bool filled = false;     ///< after the first pass
};

template <class Number>
class Block {
 public:
  /// `row_kept` says of which pairs the products with all columns are kept while a block is worked on.
  Block(const ScorePlan& plan, const Tiling& tiling, const ScoreKernels<Number>& kernels, std::vector<bool> row_kept,
        KeptProducts<Number>& kept);

  /// Goes to block `index`: packs the rows of the pairs that `wanted` names.
  void enter(std::int64_t index, const std::vector<bool>& wanted);
  /// The products of a pair's tile, computed if they are not there: [columns][height()].
  const Number* products(int pair, std::int64_t tile);
  /// Fills a tile of a symmetric pair from that of block `tile` < index(), which must be there.
  void mirror(int pair, std::int64_t tile);
  /// The same as a side sees them: with a masked diagonal a copy in `room`, where the tile meets it.
  const Number* masked(const Number* products, const ScoreSide& side, const ScoreScaling<Number>& scaling,
                       std::int64_t tile, Number* room) const;

  std::int64_t index() const { return index_; }
  std::int64_t first() const { return index_ * tiling_.height; }
  int rows() const { return rows_; }
  /// The rows, rounded up to whole panels.
  int height() const { return panels() * kernels_.panel; }
  int columns(int pair, std::int64_t tile) const;

 private:
  struct State {
    torch::Tensor room;  // of one tile, or of all
    bool all = false;
    std::int64_t last = -1;   // the tile that was computed last
    std::vector<char> ready;  // of all
  };
  /// Where a tile lies, and whether it is there.
  struct Place {
    Number* numbers;
    bool ready;
  };
  int panels() const { return (rows_ + kernels_.panel - 1) / kernels_.panel; }
  const ScoreOperand& operand(int i) const { return plan_.operands[static_cast<std::size_t>(i)]; }
  Place place(int pair, std::int64_t tile);
  Number* kept_place(int pair, std::int64_t block, std::int64_t tile);

  const ScorePlan& plan_;
  const Tiling& tiling_;
  const ScoreKernels<Number>& kernels_;
  KeptProducts<Number>& kept_;
  std::int64_t index_ = -1;
  int rows_ = 0;
  std::vector<torch::Tensor> panels_;  // of each operand that stands in rows
  std::vector<char> packed_;           // whether they are, of this block
  std::vector<State> states_;
};

/// Where the products take vector `i` from, and the distance to the next in words.
const void* vector_at(const ScoreOperand& operand, std::int64_t i);
std::int64_t words_per_vector(const ScoreOperand& operand);

}  // namespace dime::detail
