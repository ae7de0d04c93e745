// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include <dime/error.hpp>
#include <dime/random.hpp>

#include "support/errors.hpp"

namespace dime {
namespace {

TEST(Order, EachEpochHoldsEachRowOnceInAnOrderOfItsOwn) {
  const Order order({100}, {1}, stream_key(7, "images"), true);
  std::vector<std::vector<std::int64_t>> epochs(3);
  for (std::int64_t place = 0; place < 300; ++place) {
    const RowId id = order.at(place);
    ASSERT_EQ(id.epoch, place / 100);
    epochs[static_cast<std::size_t>(id.epoch)].push_back(id.row);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (std::int64_t i = 0; i < 100; ++i) ASSERT_EQ(epoch[static_cast<std::size_t>(i)], i);
  }
}

// tests/golden/make_order.py says again, in Python, what the order is: a checkpoint counts on it.
TEST(Order, IsWhatItWasWhenCheckpointsWereWritten) {
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/order.json");
  const auto cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 12U);
  for (const auto& c : cases) {
    std::optional<Locality> locality;
    if (!c.at("block").is_null()) locality = Locality{c.at("block"), c.at("window")};
    const std::uint64_t key = stream_key(c.at("seed"), c.at("stream").get<std::string>());
    const Order order(c.at("sizes"), c.at("weights"), key, true, locality);
    const std::int64_t first = c.at("first");
    for (std::int64_t i = 0; i < 16; ++i) {
      const RowId id = order.at(first + i, c.at("retry"));
      EXPECT_EQ((std::vector<std::int64_t>{id.source, id.row, id.epoch}), c.at("rows")[static_cast<std::size_t>(i)])
          << c;
    }
  }
}

TEST(Order, StreamsAndSeedsDiffer) {
  const Order a({1000}, {1}, stream_key(0, "images"), true), b({1000}, {1}, stream_key(0, "texts"), true),
      c({1000}, {1}, stream_key(1, "images"), true), same({1000}, {1}, stream_key(0, "images"), true);
  int equal_b = 0, equal_c = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    equal_b += a.at(i).row == b.at(i).row;
    equal_c += a.at(i).row == c.at(i).row;
    ASSERT_EQ(a.at(i).row, same.at(i).row);
  }
  EXPECT_LT(equal_b, 10);
  EXPECT_LT(equal_c, 10);
}

TEST(Order, WithoutShuffleRowsStandAsTheyAre) {
  const Order order({5}, {1}, 1, false);
  for (std::int64_t place = 0; place < 12; ++place) {
    EXPECT_EQ(order.at(place).row, place % 5);
    EXPECT_EQ(order.at(place).epoch, place / 5);
  }
}

TEST(Order, StandInsOfABrokenRowDifferFromIt) {
  const Order order({1000}, {1}, 3, true);
  std::set<std::int64_t> rows;
  for (int retry = 0; retry <= 8; ++retry) rows.insert(order.at(17, retry).row);
  EXPECT_GE(rows.size(), 8U);
  const Order in_order({1000}, {1}, 3, false);
  EXPECT_NE(in_order.at(17, 1).row, 17);
}

TEST(Order, AMixtureHoldsItsQuotasInEveryBlockAndEachRowOnceAnEpoch) {
  const Order order({300, 50, 77}, {2, 1, 0.5}, 9, true);
  EXPECT_EQ(std::accumulate(order.quotas().begin(), order.quotas().end(), std::int64_t{0}), Order::kBlock);
  EXPECT_THAT(order.quotas(), testing::ElementsAre(585, 293, 146));
  std::vector<std::map<std::int64_t, std::multiset<std::int64_t>>> seen(3);
  for (std::int64_t block = 0; block < 5; ++block) {
    std::vector<std::int64_t> counts(3, 0);
    for (std::int64_t i = 0; i < Order::kBlock; ++i) {
      const RowId id = order.at(block * Order::kBlock + i);
      ++counts[static_cast<std::size_t>(id.source)];
      seen[static_cast<std::size_t>(id.source)][id.epoch].insert(id.row);
    }
    EXPECT_EQ(counts, order.quotas());
  }
  // 5 x 293 draws of 50 rows: 29 whole epochs.
  for (std::int64_t epoch = 0; epoch < 29; ++epoch) {
    const auto& rows = seen[1][epoch];
    EXPECT_EQ(rows.size(), 50U);
    EXPECT_EQ(std::set<std::int64_t>(rows.begin(), rows.end()).size(), 50U);
  }
}

TEST(Order, AWeightTooSmallForABlockIsAnError) {
  try {
    const Order order({10, 10}, {1, 1e-6}, 1, true);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(), "source 2 of the mixture gets no row in a block of 1024: raise its weight");
  }
}

TEST(Order, WeightsMayBeAsLargeAsNumbersAre) {
  EXPECT_THAT(Order({10, 10}, {1e308, 1e308}, 1, true).quotas(), testing::ElementsAre(512, 512));
  EXPECT_THAT(Order({10, 10}, {1.5e-323, 5e-324}, 1, true).quotas(), testing::ElementsAre(768, 256));
}

TEST(Order, AWeightIsANumberAboveZero) {
  const auto refusal = [](double weight) {
    return test::error_text<DataError>([&] { Order({10, 10}, {1, weight}, 1, true); });
  };
  const std::string needed = ": a number above 0 is needed";
  EXPECT_EQ(refusal(0), "source 2 of the mixture has the weight 0" + needed);
  EXPECT_EQ(refusal(-1), "source 2 of the mixture has the weight -1" + needed);
  EXPECT_EQ(refusal(HUGE_VAL), "source 2 of the mixture has the weight inf" + needed);
}

TEST(BatchPlan, DropLeavesTheLastPartOfEachEpochOut) {
  const BatchPlan plan(10, 4, true);
  EXPECT_EQ(plan.batches_per_epoch(), 2.0);
  EXPECT_EQ(plan.place(0, 0), 0);
  EXPECT_EQ(plan.place(1, 3), 7);
  EXPECT_EQ(plan.place(2, 0), 10);
  EXPECT_EQ(plan.place(3, 3), 17);
}

TEST(BatchPlan, WrapLeavesNothingOut) {
  const BatchPlan plan(10, 4, false);
  EXPECT_EQ(plan.batches_per_epoch(), 2.5);
  EXPECT_EQ(plan.place(2, 3), 11);
}

TEST(BatchPlan, ABatchLargerThanItsSourceIsAnErrorUnlessItWraps) {
  EXPECT_NO_THROW(BatchPlan(3, 4, false));
  try {
    const BatchPlan plan(3, 4, true);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_STREQ(e.what(), "batch_size 4 is more than the 3 rows of the source: lower it, or say `last: wrap`");
  }
}

TEST(Order, ABillionRowsTakeNoMemory) {
  const Order order({1000000000}, {1}, 5, true);
  std::set<std::int64_t> rows;
  for (std::int64_t place = 0; place < 2000; ++place) rows.insert(order.at(place * 499999).row);
  EXPECT_EQ(rows.size(), 2000U);
  EXPECT_GT(*rows.rbegin(), 900000000);
}

}  // namespace
}  // namespace dime
