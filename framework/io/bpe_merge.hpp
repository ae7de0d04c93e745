// SPDX-License-Identifier: Apache-2.0
// The merges of byte-pair encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dime::detail {

/// What two neighbours become: the lower the rank, the sooner.
struct Merge {
  std::uint16_t rank;
  std::uint16_t token;
};

/// From pairs of tokens to their merge. Tokens and ranks are below 65535.
class MergeTable {
 public:
  static constexpr std::uint16_t no_rank = 0xFFFF;

  /// Adds a merge, or puts it in the place of the one that the pair has. For fewer pairs than slots (131072).
  void set(std::uint16_t first, std::uint16_t second, Merge merge) {
    slots_[place(key(first, second))] = {key(first, second), merge};
  }

  /// The merge of a pair; its rank is `no_rank` when there is none.
  Merge find(std::uint16_t first, std::uint16_t second) const { return slots_[place(key(first, second))].merge; }

 private:
  static constexpr int bits = 17;
  static constexpr std::uint32_t no_key = 0xFFFFFFFF;
  struct Slot {
    std::uint32_t key = no_key;
    Merge merge{no_rank, 0};
  };

  static std::uint32_t key(std::uint16_t first, std::uint16_t second) { return std::uint32_t{first} << 16 | second; }

  // The slot of the key, or the free one where it would be.
  std::size_t place(std::uint32_t key) const {
    std::size_t at = (key * std::uint64_t{0x9E3779B97F4A7C15}) >> (64 - bits);
    while (slots_[at].key != key && slots_[at].key != no_key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << bits);
};

/// Up to so many symbols, merge_symbols looks through the word for each merge; past it, its time grows as n log n.
inline constexpr std::size_t longest_short_word = 64;

/// Merges the neighbours in `symbols`, the lowest rank first and all of its places at once, until none is left. Returns
/// how many symbols are left, at the front.
std::size_t merge_symbols(const MergeTable& merges, std::span<std::uint16_t> symbols);

}  // namespace dime::detail
