// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/geometry.hpp"

#include <algorithm>

namespace dime::detail {
namespace {

constexpr int kTallest = 160;  // rows of a tile: tile, operands and gradient then fit the second cache
constexpr int kWidest = 96;    // columns, where tiles need not be square
// Parts of vectors that stay in the first cache. The shorter sums of shorter parts are more accurate, but take 14 %
// longer: they are for batches that are too small for roundings to average out.
constexpr int kPart = 768;
constexpr int kShortPart = 128;
constexpr std::int64_t kShortPartScores = 1 << 17;

std::int64_t over(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Rows that the busiest worker computes.
std::int64_t longest(const TileShape& shape, std::int64_t height) {
  const std::int64_t blocks = over(shape.rows, height);
  return over(blocks, shape.threads) * std::min(height, shape.rows);
}

int choose_height(const TileShape& shape) {
  std::int64_t least = longest(shape, shape.panel);
  for (int h = shape.panel; h <= kTallest; h += shape.panel) least = std::min(least, longest(shape, h));
  int height = shape.panel;
  for (int h = shape.panel; h <= kTallest; h += shape.panel) {
    if (longest(shape, h) * 32 <= least * 33) height = h;
  }
  return height;
}

/// Everything is kept. Tiles are then square where there are symmetric products, so that one serves as two.
Tiling keep_all(const TileShape& shape) {
  Tiling t;
  t.part_bytes = shape.rows * shape.columns <= kShortPartScores ? kShortPart : kPart;
  t.height = choose_height(shape);
  t.columns = shape.symmetric ? t.height : kWidest / shape.group * shape.group;
  t.blocks = over(shape.rows, t.height);
  t.tiles = over(shape.columns, t.columns);
  const std::int64_t pairs = shape.row_pairs + shape.two_way_pairs;
  const auto numbers = t.blocks * t.height * t.tiles * t.columns * pairs;
  t.keeps_all = numbers * static_cast<std::int64_t>(shape.number) <= shape.kept.all;
  t.kept_blocks = t.blocks;
  return t;
}

}  // namespace

Tiling choose_tiling(const TileShape& shape) {
  Tiling t = keep_all(shape);
  if (t.keeps_all) return t;
  t.columns = kWidest / shape.group * shape.group;
  t.tiles = over(shape.columns, t.columns);
  const auto row_bytes = static_cast<std::int64_t>(shape.number) * t.tiles * t.columns;
  const std::int64_t room = std::max(shape.kept.some / 4, shape.kept.some - shape.copies);
  const auto rows_kept = [&] { return row_bytes * t.height * shape.row_pairs * shape.threads; };
  while (rows_kept() > room && t.height > 2 * shape.panel) t.height -= shape.panel;
  t.keeps_rows = rows_kept() <= room;
  if (!t.keeps_rows) t.height = choose_height(shape);
  t.blocks = over(shape.rows, t.height);
  const std::int64_t left = room - (t.keeps_rows ? rows_kept() : 0);
  const std::int64_t block_bytes = row_bytes * t.height * shape.two_way_pairs;
  t.kept_blocks = block_bytes > 0 ? std::min(t.blocks, left / block_bytes) : 0;
  return t;
}

}  // namespace dime::detail
