// SPDX-License-Identifier: Apache-2.0
// The memory of batches: as much as is in use at once, used again, and never under its user's hands.
#include "data/batches_ahead.hpp"

#include <gtest/gtest.h>

#include <set>

#include "data/numbers.hpp"
#include "data/stream.hpp"

namespace dime {
namespace {

Stream numbers_stream(std::int64_t n, std::int64_t batch) {
  BatchMaker maker(test::numbers_content(), {std::make_shared<test::Numbers>(n)}, test::flips(), nullptr, 77);
  return {std::move(maker), Order({n}, {1}, 77, true), BatchPlan(n, batch, true), 0, 1, make_decode_pool(2)};
}

/// Where the tensors of a batch lie.
std::set<const void*> memory_of(const StreamBatch& batch) {
  return {batch.pixels.data_ptr(), batch.vectors.data_ptr(), batch.labels.data_ptr()};
}

TEST(Stream, UsesTheMemoryOfItsBatchesAgain) {
  Stream stream = numbers_stream(64, 8);
  std::set<const void*> all;
  StreamBatch batch;
  for (int i = 0; i < 100; ++i) {
    batch = stream.next();
    all.merge(memory_of(batch));
  }
  // Those ahead, and the one that its user holds while the next is asked for; three tensors each.
  EXPECT_LE(all.size(), 3 * (Stream::kAhead + 1));
}

TEST(Stream, LeavesABatchThatIsHeldAlone) {
  Stream stream = numbers_stream(64, 8), other = numbers_stream(64, 8);
  std::vector<StreamBatch> held;
  std::set<const void*> all;
  for (int i = 0; i < 40; ++i) {
    held.push_back(stream.next());
    all.merge(memory_of(held.back()));
  }
  EXPECT_EQ(all.size(), 3U * 40);
  for (const StreamBatch& batch : held) {
    const StreamBatch expected = other.next();
    EXPECT_EQ(batch.keys, expected.keys);
    EXPECT_TRUE(torch::equal(batch.pixels, expected.pixels));
    EXPECT_TRUE(torch::equal(batch.vectors, expected.vectors));
  }
}

TEST(Stream, LeavesABatchAloneOfWhichAViewIsHeld) {
  Stream stream = numbers_stream(64, 8);
  const torch::Tensor row = stream.next().vectors.select(0, 3);
  const torch::Tensor before = row.clone();
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(stream.next().vectors.is_alias_of(row));
  EXPECT_TRUE(torch::equal(row, before));
}

// A seek throws away what was ahead; its memory comes back too.
TEST(Stream, UsesTheMemoryOfBatchesThatWereTakenBackAgain) {
  Stream stream = numbers_stream(64, 8);
  std::set<const void*> all;
  for (int i = 0; i < 50; ++i) {
    stream.seek(1000 - 7 * i);
    all.merge(memory_of(stream.next()));
  }
  EXPECT_LE(all.size(), 3 * (Stream::kAhead + 1));
}

}  // namespace
}  // namespace dime
