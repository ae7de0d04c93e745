// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/block.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <torch/types.h>

#include "ops/score_kl/room.hpp"

namespace dime::detail {

const void* vector_at(const ScoreOperand& operand, std::int64_t i) {
  const auto& x = operand.words.defined() ? operand.words : operand.vectors;
  return static_cast<const char*>(x.const_data_ptr()) + i * x.size(1) * static_cast<std::int64_t>(x.element_size());
}

std::int64_t words_per_vector(const ScoreOperand& operand) {
  return operand.words.defined() ? operand.words.size(1) / 2 : operand.vectors.size(1);
}

template <class Number>
Block<Number>::Block(const ScorePlan& plan, const Tiling& tiling, const ScoreKernels<Number>& kernels,
                     std::vector<bool> row_kept, KeptProducts<Number>& kept)
    : plan_(plan),
      tiling_(tiling),
      kernels_(kernels),
      kept_(kept),
      panels_(plan.operands.size()),
      packed_(plan.operands.size()),
      states_(plan.pairs.size()) {
  const std::int64_t tile = static_cast<std::int64_t>(tiling.height) * tiling.columns;
  for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
    auto& panels = panels_[static_cast<std::size_t>(plan.pairs[p].rows)];
    const std::int64_t words = words_per_vector(operand(plan.pairs[p].rows));
    const std::int64_t bytes = static_cast<std::int64_t>(kernels.word_bytes) * words * tiling.height;
    if (!panels.defined()) panels = at::empty({bytes}, at::kByte);
    State& state = states_[p];
    state.all = row_kept[p];
    state.ready.resize(static_cast<std::size_t>(tiling.tiles));
    state.room = make_room<Number>({state.all ? tile * tiling.tiles : tile});
  }
}

template <class Number>
void Block<Number>::enter(std::int64_t index, const std::vector<bool>& wanted) {
  index_ = index;
  rows_ = static_cast<int>(std::min<std::int64_t>(tiling_.height, plan_.rows.count - first()));
  std::fill(packed_.begin(), packed_.end(), 0);
  for (std::size_t p = 0; p < states_.size(); ++p) {
    State& state = states_[p];
    std::fill(state.ready.begin(), state.ready.end(), 0);
    state.last = -1;
    const auto rows = static_cast<std::size_t>(plan_.pairs[p].rows);
    if (!wanted[p] || packed_[rows] != 0) continue;
    packed_[rows] = 1;
    const auto words = static_cast<int>(words_per_vector(plan_.operands[rows]));
    kernels_.pack(vector_at(plan_.operands[rows], first()), words, rows_, words, panels_[rows].mutable_data_ptr());
  }
}

template <class Number>
int Block<Number>::columns(int pair, std::int64_t tile) const {
  const std::int64_t all = operand(plan_.pairs[static_cast<std::size_t>(pair)].columns).vectors.size(0);
  return static_cast<int>(std::clamp<std::int64_t>(all - tile * tiling_.columns, 0, tiling_.columns));
}

template <class Number>
Number* Block<Number>::kept_place(int pair, std::int64_t block, std::int64_t tile) {
  const std::int64_t size = static_cast<std::int64_t>(tiling_.height) * tiling_.columns;
  const std::int64_t first = kept_.place[static_cast<std::size_t>(pair)] * tiling_.kept_blocks;
  return kept_.numbers.template mutable_data_ptr<Number>() + ((first + block) * tiling_.tiles + tile) * size;
}

template <class Number>
typename Block<Number>::Place Block<Number>::place(int pair, std::int64_t tile) {
  const std::int64_t size = static_cast<std::int64_t>(tiling_.height) * tiling_.columns;
  State& state = states_[static_cast<std::size_t>(pair)];
  const int kept = kept_.place[static_cast<std::size_t>(pair)];
  char& ready = state.ready[static_cast<std::size_t>(tile)];
  const bool before = ready != 0 || state.last == tile;
  state.last = tile;
  if (kept >= 0 && index_ < tiling_.kept_blocks) {
    return {kept_place(pair, index_, tile), kept_.filled || before};
  }
  if (state.all) ready = 1;
  return {state.room.template mutable_data_ptr<Number>() + (state.all ? tile * size : 0), before};
}

template <class Number>
const Number* Block<Number>::products(int pair, std::int64_t tile) {
  const Place place = this->place(pair, tile);
  if (place.ready) return place.numbers;
  const ScorePair& operands = plan_.pairs[static_cast<std::size_t>(pair)];
  const ScoreOperand& columns_operand = operand(operands.columns);
  const auto words = static_cast<int>(words_per_vector(columns_operand));
  kernels_.products(panels_[static_cast<std::size_t>(operands.rows)].const_data_ptr(), panels(),
                    vector_at(columns_operand, tile * tiling_.columns), words, columns(pair, tile), words,
                    tiling_.part_bytes / static_cast<int>(kernels_.word_bytes), place.numbers);
  return place.numbers;
}

template <class Number>
void Block<Number>::mirror(int pair, std::int64_t tile) {
  const Number* from = kept_place(pair, tile, index_);
  kernels_.transpose(from, tiling_.height, rows_, tiling_.height, height(), place(pair, tile).numbers);
}

template <class Number>
const Number* Block<Number>::masked(const Number* products, const ScoreSide& side, const ScoreScaling<Number>& scaling,
                                    std::int64_t tile, Number* room) const {
  if (!side.mask_diagonal) return products;
  const int width = columns(side.pair, tile);
  // The diagonal in this tile: row i of the block meets column i + offset of the tile.
  const std::int64_t offset = plan_.rows.first + first() - tile * tiling_.columns;
  if (offset >= width || offset + rows_ <= 0) return products;
  std::memcpy(room, products, sizeof(Number) * static_cast<std::size_t>(width) * static_cast<std::size_t>(height()));
  for (std::int64_t i = std::max<std::int64_t>(0, -offset); i < std::min<std::int64_t>(rows_, width - offset); ++i) {
    const std::int64_t j = i + offset;
    const Number product = static_cast<Number>(kNoScore) / (scaling.column_factor[j] * scaling.row_factor[i]);
    // Of large vectors the quotient is infinite, and what is infinite twice has no difference.
    room[j * height() + i] = std::max(product, std::numeric_limits<Number>::lowest());
  }
  return room;
}

template class Block<float>;
template class Block<double>;

}  // namespace dime::detail
