// SPDX-License-Identifier: Apache-2.0
#include "io/bpe_merge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace dime::detail {
namespace {

using Symbols = std::vector<std::uint16_t>;

Symbols merged(const MergeTable& merges, Symbols symbols) {
  symbols.resize(merge_symbols(merges, symbols));
  return symbols;
}

// The rule as it is written down: of all neighbours the pair of the lowest rank, at all its places from the left.
Symbols merged_by_the_rule(const MergeTable& merges, Symbols symbols) {
  for (;;) {
    Merge best{MergeTable::no_rank, 0};
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge merge = merges.find(symbols[i], symbols[i + 1]);
      if (merge.rank < best.rank) best = merge;
    }
    if (best.rank == MergeTable::no_rank) return symbols;
    Symbols next;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool match = i + 1 < symbols.size() && merges.find(symbols[i], symbols[i + 1]).rank == best.rank;
      next.push_back(match ? best.token : symbols[i]);
      if (match) ++i;
    }
    symbols = std::move(next);
  }
}

// Merges of random symbols, the first of which are single letters, with ranks in any order. What two merges spell the
// same is one symbol.
MergeTable random_merges(std::mt19937& random, std::size_t letters, std::size_t count) {
  std::vector<std::string> spelled;
  for (std::size_t i = 0; i < letters; ++i) spelled.emplace_back(1, static_cast<char>('a' + i));
  std::vector<std::uint16_t> ranks(count);
  std::iota(ranks.begin(), ranks.end(), std::uint16_t{0});
  std::shuffle(ranks.begin(), ranks.end(), random);
  MergeTable merges;
  for (const std::uint16_t rank : ranks) {
    const std::size_t first = random() % spelled.size(), second = random() % spelled.size();
    const std::string both = spelled[first] + spelled[second];
    const auto token = std::find(spelled.begin(), spelled.end(), both) - spelled.begin();
    merges.set(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(second),
               {rank, static_cast<std::uint16_t>(token)});
    if (token == std::ssize(spelled)) spelled.push_back(both);
  }
  return merges;
}

TEST(BpeMerge, FollowsTheRuleInShortAndLongWords) {
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    const std::size_t letters = 1 + random() % 6;
    const MergeTable merges = random_merges(random, letters, 10 + random() % 100);
    for (const std::size_t size : {0, 1, 2, 3, 5, 8, 13, 40, 63, 64, 65, 66, 200}) {
      Symbols word(size);
      for (std::uint16_t& symbol : word) symbol = static_cast<std::uint16_t>(random() % letters);
      ASSERT_EQ(merged(merges, word), merged_by_the_rule(merges, word)) << size << " of " << letters << " letters";
    }
  }
}

TEST(BpeMerge, MergesAllPlacesOfARankFromTheLeft) {
  MergeTable merges;
  merges.set(1, 1, {4, 2});
  merges.set(2, 2, {0, 3});
  EXPECT_EQ(merged(merges, {1, 1, 1, 1, 1}), (Symbols{3, 1}));
  EXPECT_EQ(merged(merges, {1, 1, 1}), (Symbols{2, 1}));
  EXPECT_EQ(merged(merges, {1}), (Symbols{1}));
}

TEST(BpeMerge, TableKeepsTheLastMergeOfAPair) {
  MergeTable merges;
  EXPECT_EQ(merges.find(7, 8).rank, MergeTable::no_rank);
  merges.set(7, 8, {1, 9});
  merges.set(7, 8, {5, 10});
  EXPECT_EQ(merges.find(7, 8).rank, 5);
  EXPECT_EQ(merges.find(7, 8).token, 10);
  EXPECT_EQ(merges.find(8, 7).rank, MergeTable::no_rank);
}

}  // namespace
}  // namespace dime::detail
