// SPDX-License-Identifier: Apache-2.0
#include "io/bpe_merge.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace dime::detail {
namespace {

// Few symbols: looking through all of their merges for the best is faster than keeping lists.
class ShortWord {
 public:
  ShortWord(const MergeTable& merges, std::span<std::uint16_t> symbols)
      : merges_(merges), symbols_(symbols), size_(symbols.size()) {
    if (size_ == 0) return;
    for (std::size_t i = 0; i + 1 < size_; ++i) find_merge(i);
    ranks_[size_ - 1] = MergeTable::no_rank;
    tokens_[size_ - 1] = 0;
  }

  std::size_t merge() {
    while (size_ > 1) {
      const std::span pairs(ranks_.data(), size_ - 1);
      const auto best = std::min_element(pairs.begin(), pairs.end());
      if (*best == MergeTable::no_rank) break;
      merge_all(static_cast<std::size_t>(best - pairs.begin()));
    }
    return size_;
  }

 private:
  void find_merge(std::size_t place) {
    const Merge merge = merges_.find(symbols_[place], symbols_[place + 1]);
    ranks_[place] = merge.rank;
    tokens_[place] = merge.token;
  }

  // Merges the pair at `first` there and wherever else it is. The symbols close up in the same pass; a pair whose two
  // symbols stay has the merge that it had.
  void merge_all(std::size_t first) {
    const std::uint16_t rank = ranks_[first], token = tokens_[first];
    const std::size_t old_size = size_;
    std::size_t to = first;
    bool fresh = false;
    for (std::size_t from = first; from < old_size; ++to) {
      const bool match = from + 1 < old_size && ranks_[from] == rank;
      symbols_[to] = match ? token : symbols_[from];
      if (to > 0 && (match || fresh)) find_merge(to - 1);
      ranks_[to] = ranks_[from];
      tokens_[to] = tokens_[from];
      fresh = match;
      from += match ? 2 : 1;
    }
    size_ = to;
  }

  const MergeTable& merges_;
  std::span<std::uint16_t> symbols_;
  std::size_t size_;
  // Of the pair that begins at each symbol; that of the last is never looked at. Most words have few: setting all would
  // take a fifth of the time.
  std::array<std::uint16_t, longest_short_word> ranks_;
  std::array<std::uint16_t, longest_short_word> tokens_;
};

// The symbols of a long word as a list, and the merges that are open in it by rank, then by place.
class LongWord {
 public:
  LongWord(const MergeTable& table, std::span<std::uint16_t> symbols)
      : table_(table), symbols_(symbols), links_(symbols.size()), merges_(symbols.size()) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      links_[i] = {i - 1, i + 1};
      find_merge(i);
    }
  }

  std::size_t merge() {
    std::vector<std::size_t> places;
    while (!open_.empty()) {
      // All of one rank before any that these make possible, whatever its rank, as in a short word.
      const std::uint16_t rank = open_.top().first;
      places.clear();
      for (; !open_.empty() && open_.top().first == rank; open_.pop()) places.push_back(open_.top().second);
      for (const std::size_t place : places) {
        if (merges_[place].rank == rank) merge_at(place);
      }
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < symbols_.size(); i = links_[i].next) symbols_[size++] = symbols_[i];
    return size;
  }

 private:
  using Open = std::pair<std::uint16_t, std::size_t>;
  struct Links {
    std::size_t previous;
    std::size_t next;
  };
  static constexpr Merge no_merge{MergeTable::no_rank, 0};

  // The merge of the symbol at `place` with the next one.
  void find_merge(std::size_t place) {
    const std::size_t next = links_[place].next;
    merges_[place] = next < symbols_.size() ? table_.find(symbols_[place], symbols_[next]) : no_merge;
    if (merges_[place].rank != MergeTable::no_rank) open_.emplace(merges_[place].rank, place);
  }

  void merge_at(std::size_t place) {
    const std::size_t gone = links_[place].next;
    symbols_[place] = merges_[place].token;
    merges_[gone] = no_merge;
    links_[place].next = links_[gone].next;
    if (links_[place].next < symbols_.size()) links_[links_[place].next].previous = place;
    find_merge(place);
    if (place != 0) find_merge(links_[place].previous);
  }

  const MergeTable& table_;
  std::span<std::uint16_t> symbols_;
  std::vector<Links> links_;
  std::vector<Merge> merges_;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open_;
};

}  // namespace

std::size_t merge_symbols(const MergeTable& merges, std::span<std::uint16_t> symbols) {
  return symbols.size() <= longest_short_word ? ShortWord(merges, symbols).merge() : LongWord(merges, symbols).merge();
}

}  // namespace dime::detail
