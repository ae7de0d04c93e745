// SPDX-License-Identifier: Apache-2.0
// An endless stream of full training batches, and a finite reader for evaluation and extraction.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <dime/comm.hpp>

#include "data/batches_ahead.hpp"
#include "data/order.hpp"

namespace dime {

/// Training batches in order. Batch k is a pure function of (seed, k): threads and resuming change nothing.
/// At most `kAhead` batches are being made or wait, beside those that the user holds; their memory is used again when
/// the user has let go of it. For one thread.
class Stream {
 public:
  static constexpr std::size_t kAhead = 3;

  /// Each process reads the rows of its `rank` among `world`.
  Stream(BatchMaker maker, Order order, BatchPlan plan, int rank, int world, std::shared_ptr<DecodePool> pool);

  /// Goes on with batch `index`.
  void seek(std::int64_t index);
  /// The next batch. Throws what making it threw, and again at each call until `seek`.
  StreamBatch next();
  const BatchPlan& plan() const { return plan_; }
  const BatchContent& content() const { return ahead_.maker().content(); }

 private:
  void push(std::int64_t index);
  /// Of an order with locality: the blocks of the windows that batch `index` is the first to come within a window of.
  std::vector<RowBlock> new_blocks(std::int64_t index);

  Order order_;
  BatchPlan plan_;
  RowRange rows_;
  std::int64_t next_ = 0;              ///< the first batch that is not begun
  std::vector<std::int64_t> fetched_;  ///< the last window of each source that was told to it
  BatchesAhead ahead_;                 ///< last: its jobs ask for the order
};

/// Every row of one source once, in its own order, in batches of at most `batch` rows; the last may be shorter.
/// A broken row is an error: what is measured or extracted must be whole.
class Reader {
 public:
  Reader(BatchMaker maker, std::int64_t rows, std::int64_t batch, std::shared_ptr<DecodePool> pool);
  /// Fills `out`; false when there are no more rows.
  bool next(StreamBatch& out);
  std::int64_t rows() const { return rows_; }

 private:
  static constexpr std::size_t kAhead = 2;

  std::int64_t rows_;
  std::int64_t batch_;
  std::int64_t place_ = 0;  ///< the first row that is not begun
  std::unique_ptr<BatchesAhead> ahead_;
};

}  // namespace dime
