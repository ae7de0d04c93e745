// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <dime/comm.hpp>
#include <dime/error.hpp>

#include "support/errors.hpp"

namespace dime::test {
namespace {

TEST(RowsOfRank, PartsFollowEachOtherAndDifferByOne) {
  for (const int world : {1, 2, 3, 4, 7}) {
    for (const std::int64_t batch : {7, 8, 10, 12288}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < world; ++rank) {
        const auto rows = rows_of_rank(batch, rank, world);
        EXPECT_EQ(rows.first, next);
        EXPECT_EQ(rows.total, batch);
        EXPECT_GE(rows.count, batch / world);
        EXPECT_LE(rows.count, batch / world + 1);
        next += rows.count;
      }
      EXPECT_EQ(next, batch);
    }
  }
}

TEST(RowsOfRank, Messages) {
  EXPECT_EQ(error_text<ArgumentError>([] { rows_of_rank(2, 0, 3); }),
            "rows_of_rank(): a batch of 2 rows cannot be split over 3 processes; give at least one row to each");
  EXPECT_EQ(error_text<ArgumentError>([] { rows_of_rank(8, 3, 3); }), "rows_of_rank(): rank 3 is not in a world of 3");
}

TEST(WorldOfOne, EveryCollectiveIsTheIdentity) {
  WorldOfOne one;
  auto x = at::arange(6, at::kFloat).view({2, 3});
  const auto before = x.clone();
  one.all_reduce_sum(x);
  one.all_reduce_max(x);
  one.broadcast(x, 0);
  one.barrier();
  EXPECT_TRUE(at::equal(x, before));
  EXPECT_TRUE(at::equal(one.all_gather_rows(x), before));
  EXPECT_EQ(one.rank(), 0);
  EXPECT_EQ(one.size(), 1);
}

}  // namespace
}  // namespace dime::test
