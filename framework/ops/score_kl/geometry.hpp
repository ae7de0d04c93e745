// SPDX-License-Identifier: Apache-2.0
// How score matrices are cut into tiles, and which products are kept between the two passes.
#pragma once

#include <cstdint>

namespace dime::detail {

/// Bytes of products that are kept instead of computed again (docs/performance.md). Where all of a call fit `all`, all
/// are; else as many as `some` allows, less what bf16 copies of the vectors take.
struct KeptRoom {
  std::int64_t all = 288LL << 20;
  std::int64_t some = 64LL << 20;
};

struct TileShape {
  KeptRoom kept;
  int panel = 32;            ///< a tile's height is a multiple of it
  int group = 14;            ///< its columns best are
  std::int64_t rows = 0;     ///< of the matrices
  std::int64_t columns = 0;  ///< of the widest
  std::size_t number = 4;    ///< bytes
  int row_pairs = 0;         ///< products whose terms look along rows only: both passes see a row at once
  int two_way_pairs = 0;     ///< products whose terms look along columns, too
  bool symmetric = false;    ///< some products are of vectors with themselves
  std::int64_t copies = 0;   ///< bytes of vectors in another type, which count as kept
  int threads = 1;
};

struct Tiling {
  int height = 0;                ///< rows of a tile
  int columns = 0;               ///< of a tile
  int part_bytes = 0;            ///< of two vectors, whose product is summed alone
  std::int64_t blocks = 0;       ///< tiles along the rows
  std::int64_t tiles = 0;        ///< tiles along the columns
  bool keeps_all = false;        ///< the first pass makes all products, and the second finds them
  bool keeps_rows = false;       ///< a worker keeps the products of its rows with all columns
  std::int64_t kept_blocks = 0;  ///< of this many blocks the products with two-way terms are kept for the second pass
};

Tiling choose_tiling(const TileShape& shape);

}  // namespace dime::detail
