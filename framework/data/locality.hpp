// SPDX-License-Identifier: Apache-2.0
// An order whose neighbouring places hold neighbouring rows, for storage where finding a row costs more than reading it
// (see docs/decisions/locality.md). Torch-free.
#pragma once

#include <cstdint>
#include <vector>

#include <dime/random.hpp>

namespace dime {

/// How near to each other rows stay.
struct Locality {
  std::int64_t block = 1;   ///< consecutive rows that are read in one window; > 0
  std::int64_t window = 1;  ///< places that are shuffled among themselves: a whole number of blocks, > 0
};

/// A keyed permutation of 0 .. n-1 in O(1) memory. The rows are cut into blocks of `block` consecutive ones, the last
/// of which may be shorter; the blocks are permuted; then every `window / block` blocks in turn are a window, and the
/// places of a window are permuted among themselves. The window with the shorter block, and the last one, may hold
/// fewer than `window` rows.
class LocalPermutation {
 public:
  /// n > 0.
  LocalPermutation(std::int64_t n, const Locality& locality, std::uint64_t key);

  /// The row at `place`; 0 <= place < n.
  std::int64_t operator()(std::int64_t place) const;
  /// The window that `place` lies in, counted from 0.
  std::int64_t window_of(std::int64_t place) const { return with_gap(place) / locality_.window; }
  std::int64_t windows() const;
  /// The first row of each block of a window, in the order in which the blocks stand. A block has `block` rows, but no
  /// row from n on.
  std::vector<std::int64_t> blocks_of(std::int64_t window) const;

 private:
  // Places are counted as if the shorter block were whole, so that all blocks have one length: a gap follows its rows.
  std::int64_t with_gap(std::int64_t place) const { return place < gap_ ? place : place + lacking_; }
  /// Of a place that begins a block.
  std::int64_t without_gap(std::int64_t begin) const { return begin <= gap_ ? begin : begin - lacking_; }

  Locality locality_;
  std::uint64_t key_;
  std::int64_t n_;
  std::int64_t lacking_;  ///< rows that the last block lacks
  Permutation blocks_;
  std::int64_t gap_;  ///< the first place after the shorter block
};

}  // namespace dime
