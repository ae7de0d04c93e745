// SPDX-License-Identifier: Apache-2.0
// An endless stream of full training batches, and a finite reader for evaluation and extraction.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include <dime/comm.hpp>

#include "data/batch_maker.hpp"
#include "data/order.hpp"

namespace dime {

/// A pool of decode threads; 0 threads is one per core.
class DecodePool;
std::shared_ptr<DecodePool> make_decode_pool(int threads);

/// Training batches in order. Batch k is a pure function of (seed, k): threads and resuming change nothing.
/// Batches are made ahead by a thread of the stream's own; memory is bounded by `kAhead` batches.
class Stream {
 public:
  static constexpr std::size_t kAhead = 3;

  /// Each process reads the rows of its `rank` among `world`.
  Stream(BatchMaker maker, Order order, BatchPlan plan, int rank, int world, std::shared_ptr<DecodePool> pool);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Starts at batch `index`; call before the first `next`.
  void seek(std::int64_t index);
  /// The next batch. Throws what making it threw.
  StreamBatch next();
  const BatchPlan& plan() const { return plan_; }
  const BatchContent& content() const { return maker_.content(); }

 private:
  StreamBatch make(std::int64_t index) const;
  void produce(std::int64_t index);
  void stop();

  BatchMaker maker_;
  Order order_;
  BatchPlan plan_;
  RowRange rows_;
  std::shared_ptr<DecodePool> pool_;
  std::int64_t start_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<StreamBatch> ready_;
  std::exception_ptr error_;
  bool stopping_ = false;
  std::thread producer_;
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
  BatchMaker maker_;
  std::int64_t rows_;
  std::int64_t batch_;
  std::int64_t place_ = 0;
  std::shared_ptr<DecodePool> pool_;
};

}  // namespace dime
