// SPDX-License-Identifier: Apache-2.0
// Jobs that are taken back, or break, while threads are at work.
#include "data/decode_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "data/numbers.hpp"
#include "support/errors.hpp"

namespace dime {
namespace {

using namespace std::chrono_literals;

/// Rows that wait inside `get` until the gate opens.
class GatedNumbers final : public Dataset {
 public:
  std::int64_t size() const override { return rows_.size(); }
  DatasetInfo info() const override { return rows_.info(); }
  Row get(std::int64_t i) const override {
    ++begun;
    begun.notify_all();
    gate.wait(false);
    if (breaks) throw DataError("row " + std::to_string(i));
    Row row = rows_.get(i);
    ++ended;
    return row;
  }
  /// Returns once a thread is inside.
  void wait_until_begun() const { begun.wait(0); }
  void open() const {
    gate = true;
    gate.notify_all();
  }

  bool breaks = false;
  mutable std::atomic<int> begun{0};
  mutable std::atomic<int> ended{0};
  mutable std::atomic<bool> gate{false};

 private:
  test::Numbers rows_{4096};
};

/// Opens the gate at the end, so that a test that fails does not hang.
struct Opened {
  std::shared_ptr<GatedNumbers> rows;
  ~Opened() { rows->open(); }
};

class DecodePoolTest : public testing::Test {
 protected:
  std::unique_ptr<DecodeJob> job(std::int64_t rows, std::int64_t distance = 0) const {
    return std::make_unique<DecodeJob>(
        maker_, maker_.allocate(rows),
        [](std::int64_t slot, int) {
          return RowId{0, slot, 0};
        },
        0, distance);
  }

  const std::shared_ptr<GatedNumbers> rows_ = std::make_shared<GatedNumbers>();
  const BatchMaker maker_{test::numbers_content(), {rows_}, test::flips(), nullptr, 77};
  DecodePool pool_{1};
  const Opened opened_{rows_};
};

TEST_F(DecodePoolTest, CancelWaitsForTheThreadsInsideAndGivesOutNoMoreSlots) {
  const auto cancelled = job(4096), next = job(16, 1);
  pool_.submit(*cancelled);
  pool_.submit(*next);
  rows_->wait_until_begun();
  auto cancel = std::async(std::launch::async, [&] { pool_.cancel(*cancelled); });
  EXPECT_EQ(cancel.wait_for(50ms), std::future_status::timeout) << "a thread is inside of the job";
  rows_->open();
  cancel.get();
  EXPECT_EQ(pool_.wait(*next).keys[15], "row15");
  // The slots that a thread takes at a time, of both jobs; not the 4,096 of the first.
  EXPECT_LE(rows_->ended, 32 + 16);
  EXPECT_EQ(rows_->ended, rows_->begun);
}

TEST_F(DecodePoolTest, CancelOfAJobThatNoThreadTookReturnsAtOnce) {
  const auto first = job(1), waiting = job(4096, 1);
  pool_.submit(*first);
  rows_->wait_until_begun();
  pool_.submit(*waiting);
  pool_.cancel(*waiting);
  rows_->open();
  EXPECT_EQ(pool_.wait(*first).keys[0], "row0");
  EXPECT_EQ(rows_->begun, 1);
}

TEST_F(DecodePoolTest, CancelOfAJobThatIsDone) {
  const auto done = job(8), empty = job(0);
  rows_->open();
  pool_.submit(*done);
  pool_.submit(*empty);
  EXPECT_EQ(pool_.wait(*done).size(), 8);
  pool_.cancel(*done);
  pool_.cancel(*empty);
  EXPECT_EQ(rows_->ended, 8);
}

TEST_F(DecodePoolTest, CancelOfAJobThatBreaksMeanwhile) {
  rows_->breaks = true;
  const auto broken = job(4096), next = job(8, 1);
  pool_.submit(*broken);
  rows_->wait_until_begun();
  auto cancel = std::async(std::launch::async, [&] { pool_.cancel(*broken); });
  rows_->open();
  cancel.get();
  EXPECT_EQ(rows_->begun, 1);
  pool_.submit(*next);
  EXPECT_EQ(test::error_text<DataError>([&] { pool_.wait(*next); }), "row 0");
  EXPECT_EQ(test::error_text<DataError>([&] { pool_.wait(*next); }), "row 0") << "again";
}

}  // namespace
}  // namespace dime
