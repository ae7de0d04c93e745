// SPDX-License-Identifier: Apache-2.0
#include "data/locality.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <type_traits>
#include <vector>

#include <dime/error.hpp>

#include "data/order.hpp"
#include "support/errors.hpp"

namespace dime {
namespace {

using Rows = std::vector<std::int64_t>;

Rows rows_of(std::int64_t n, const Locality& locality, std::uint64_t key) {
  const LocalPermutation p(n, locality, key);
  Rows rows;
  for (std::int64_t place = 0; place < n; ++place) rows.push_back(p(place));
  return rows;
}

void expect_bijection(Rows rows) {
  std::sort(rows.begin(), rows.end());
  Rows all(rows.size());
  std::iota(all.begin(), all.end(), 0);
  ASSERT_EQ(rows, all);
}

/// Walks through the places: a window ends where all rows of its blocks were read, and touches no block more.
/// Returns the number of windows.
std::int64_t expect_whole_windows(const Rows& rows, const Locality& locality) {
  const auto n = static_cast<std::int64_t>(rows.size());
  std::set<std::int64_t> touched;
  std::int64_t windows = 0, wanted = 0, read = 0, left = (n - 1) / locality.block + 1;
  for (const std::int64_t row : rows) {
    const std::int64_t block = row / locality.block;
    if (touched.insert(block).second) wanted += std::min(locality.block, n - block * locality.block);
    const std::int64_t most = std::min(left, locality.window / locality.block);
    EXPECT_LE(static_cast<std::int64_t>(touched.size()), most) << "window " << windows;
    if (++read < wanted || static_cast<std::int64_t>(touched.size()) < most) continue;
    ++windows;
    left -= most;
    touched.clear();
    wanted = read = 0;
  }
  EXPECT_EQ(left, 0);
  return windows;
}

// All that there is of an order with locality over any number of rows.
static_assert(std::is_trivially_copyable_v<LocalPermutation> && sizeof(LocalPermutation) <= 96);

TEST(LocalPermutation, IsABijectionOfWholeWindows) {
  for (const std::int64_t block : {1, 2, 3, 7, 16}) {
    for (const std::int64_t blocks : {1, 2, 5}) {
      const Locality locality{block, block * blocks};
      for (std::int64_t n = 1; n <= 130; ++n) {
        for (const std::uint64_t key : {0U, 1U, 2U}) {
          SCOPED_TRACE("n " + std::to_string(n) + ", block " + std::to_string(block) + ", blocks " +
                       std::to_string(blocks) + ", key " + std::to_string(key));
          const Rows rows = rows_of(n, locality, key);
          expect_bijection(rows);
          EXPECT_EQ(expect_whole_windows(rows, locality), (n - 1) / block / blocks + 1);
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

TEST(LocalPermutation, OfAWindowOrABlockThatHoldsAllRowsIsAShuffle) {
  for (const Locality& locality : {Locality{1 << 30, 1 << 30}, Locality{10, 1 << 20}, Locality{1, 1}}) {
    const Rows rows = rows_of(1000, locality, 4);
    expect_bijection(rows);
    std::int64_t neighbours = 0;
    for (std::size_t i = 1; i < rows.size(); ++i) neighbours += rows[i] == rows[i - 1] + 1 ? 1 : 0;
    EXPECT_LT(neighbours, 12) << "1 is expected";
  }
}

TEST(LocalPermutation, ShufflesTheRowsOfAWindow) {
  const Locality locality{64, 4096};
  const Rows rows = rows_of(40960, locality, 9);
  std::int64_t together = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) together += rows[i] / 64 == rows[i - 1] / 64 ? 1 : 0;
  // 63 of the 4,095 other rows of a window lie in the same block: 630 pairs.
  EXPECT_NEAR(static_cast<double>(together), 630, 6.2 * 25.1);
  std::set<std::int64_t> first;
  for (std::size_t i = 0; i < 4096; ++i) first.insert(rows[i] / 64);
  EXPECT_EQ(first.size(), 64U);
  EXPECT_GT(*first.rbegin() - *first.begin(), 500) << "blocks of one window lie anywhere among the 640";
}

TEST(LocalPermutation, OfABillionRows) {
  const std::int64_t n = 1000000007;
  const LocalPermutation p(n, {64, 4096}, 11);
  std::set<std::int64_t> rows;
  for (std::int64_t place = 0; place < n; place += 500003) rows.insert(p(place));
  EXPECT_EQ(rows.size(), 2000U);
  EXPECT_GE(*rows.begin(), 0);
  EXPECT_LT(*rows.begin(), n / 100);
  EXPECT_LT(*rows.rbegin(), n);
  EXPECT_GT(*rows.rbegin(), n - n / 100);
}

// With `last: drop` the end of an epoch is left out: it must not be the same rows each time.
TEST(LocalPermutation, TheShorterBlockStandsAnywhere) {
  std::map<std::int64_t, int> places;
  for (std::uint64_t key = 0; key < 300; ++key) {
    const Rows rows = rows_of(9, {4, 4}, key);
    ++places[std::find(rows.begin(), rows.end(), 8) - rows.begin()];
  }
  ASSERT_EQ(places.size(), 3U);
  for (const std::int64_t place : {0, 4, 8}) EXPECT_GT(places[place], 60) << "place " << place << "; 100 are expected";
}

Order local_order(std::int64_t n, std::uint64_t key = 7) { return {{n}, {1}, key, true, Locality{8, 32}}; }

TEST(OrderWithLocality, EachEpochHasAnOrderOfItsOwn) {
  const Order order = local_order(1003);
  std::vector<Rows> epochs(3);
  for (std::int64_t place = 0; place < 3 * 1003; ++place) {
    const RowId id = order.at(place);
    ASSERT_EQ(id.epoch, place / 1003);
    epochs[static_cast<std::size_t>(id.epoch)].push_back(id.row);
  }
  std::set<std::set<std::int64_t>> first_blocks;
  for (const Rows& rows : epochs) {
    expect_bijection(rows);
    EXPECT_EQ(expect_whole_windows(rows, {8, 32}), 32);
    std::set<std::int64_t> blocks;
    for (std::size_t i = 0; i < 24; ++i) blocks.insert(rows[i] / 8);
    first_blocks.insert(blocks);
  }
  EXPECT_EQ(first_blocks.size(), 3U);
}

TEST(OrderWithLocality, KnowsTheBlocksOfItsWindows) {
  const Order order({300, 51}, {2, 1}, 9, true, Locality{8, 32});
  std::map<std::pair<int, std::int64_t>, std::multiset<std::int64_t>> rows;
  for (std::int64_t place = 0; place < 5 * Order::kBlock; ++place) {
    const RowId id = order.at(place);
    const WindowId window = order.window_of(place);
    ASSERT_EQ(window.source, id.source);
    ASSERT_EQ(window.number / (id.source == 0 ? 10 : 2), id.epoch) << "38 blocks are 10 windows, 7 are 2";
    rows[{window.source, window.number}].insert(id.row);
  }
  std::map<int, std::int64_t> last;
  for (const auto& [window, unused] : rows) last[window.first] = std::max(last[window.first], window.second);
  for (const auto& [window, found] : rows) {
    if (window.second == last[window.first]) continue;  // not read to its end
    std::multiset<std::int64_t> expected;
    for (const RowBlock& block : order.blocks_of({window.first, window.second})) {
      ASSERT_EQ(block.source, window.first);
      for (std::int64_t i = 0; i < block.count; ++i) expected.insert(block.first + i);
    }
    EXPECT_EQ(found, expected);
  }
}

TEST(OrderWithLocality, IsAFunctionOfKeyAndPlace) {
  const Order forward = local_order(1003), backward = local_order(1003), other = local_order(1003, 8);
  Rows a, b;
  int equal = 0;
  for (std::int64_t place = 0; place < 2006; ++place) {
    a.push_back(forward.at(place).row);
    b.push_back(backward.at(2005 - place).row);
    equal += a.back() == other.at(place).row ? 1 : 0;
  }
  std::reverse(b.begin(), b.end());
  EXPECT_EQ(a, b);
  EXPECT_LT(equal, 20);
}

TEST(OrderWithLocality, StandInsComeFromAnywhere) {
  const Order local = local_order(1003), plain({1003}, {1}, 7, true);
  for (std::int64_t place = 0; place < 50; ++place) {
    for (int retry = 1; retry <= 8; ++retry) ASSERT_EQ(local.at(place, retry).row, plain.at(place, retry).row);
  }
}

TEST(OrderWithLocality, AMixtureKeepsItsSourcesAndEachHasBlocksOfItsOwn) {
  const Order local({300, 50}, {2, 1}, 9, true, Locality{8, 32}), plain({300, 50}, {2, 1}, 9, true);
  std::map<std::pair<int, std::int64_t>, Rows> epochs;
  for (std::int64_t place = 0; place < 5000; ++place) {
    const RowId id = local.at(place), other = plain.at(place);
    ASSERT_EQ(id.source, other.source);
    ASSERT_EQ(id.epoch, other.epoch);
    epochs[{id.source, id.epoch}].push_back(id.row);
  }
  for (const auto& [of, rows] : epochs) {
    const std::int64_t n = of.first == 0 ? 300 : 50;
    if (static_cast<std::int64_t>(rows.size()) == n) expect_bijection(rows);
  }
  EXPECT_GT(epochs.size(), 40U);
}

TEST(OrderWithLocality, Refusals) {
  const auto refusal = [](const Locality& locality, bool shuffle) {
    return test::error_text<ArgumentError>([&] { Order({10}, {1}, 1, shuffle, locality); });
  };
  const std::string window = "the window of a locality is a whole number of blocks of at least one row, not ";
  EXPECT_EQ(refusal({4, 10}, true), window + "10 rows in blocks of 4");
  EXPECT_EQ(refusal({4, 0}, true), window + "0 rows in blocks of 4");
  EXPECT_EQ(refusal({0, 4}, true), window + "4 rows in blocks of 0");
  EXPECT_EQ(refusal({4, 8}, false), "a locality is one of a shuffled order");
}

}  // namespace
}  // namespace dime
