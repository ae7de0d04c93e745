// SPDX-License-Identifier: Apache-2.0
// The threads that fill batches, and the queue of batches they work on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include "data/batch_maker.hpp"

namespace dime {

/// One batch to be filled. Until DecodePool::wait or cancel returns, only the pool touches it.
class DecodeJob {
 public:
  /// `maker` must outlive the job's way through the pool. `distance` is how many batches its stream made before it:
  /// batches that are needed sooner are filled first.
  DecodeJob(const BatchMaker& maker, StreamBatch batch, SlotRow row, int retries, std::int64_t distance);

 private:
  friend class DecodePool;

  /// Every slot was taken, and no thread is inside. Under the pool's mutex.
  bool done() const { return next_ == batch_.size() && working_ == 0; }

  const BatchMaker& maker_;
  StreamBatch batch_;
  SlotRow row_;
  int retries_;
  std::int64_t distance_;
  std::int64_t number_ = 0;                     ///< in the order of submission
  std::vector<std::vector<BrokenRow>> broken_;  ///< by slot, so that their order does not depend on threads
  // Below: guarded by the pool's mutex.
  std::int64_t next_ = 0;  ///< the first slot that no thread took
  int working_ = 0;        ///< threads inside
  std::int64_t error_slot_ = 0;
  std::exception_ptr error_;
};

/// Threads that fill the slots of many batches at once: when the last rows of one are being read, threads without work
/// go on with the next.
class DecodePool {
 public:
  /// 0 threads is one per core.
  explicit DecodePool(int threads);
  ~DecodePool();
  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;

  /// Gives a job to the threads.
  void submit(DecodeJob& job);
  /// Waits until every slot is filled and returns the batch. Where rows threw, throws what the first of them by slot
  /// threw; another `wait` throws it again.
  StreamBatch wait(DecodeJob& job);
  /// Takes a job back; returns when no thread works on it.
  void cancel(DecodeJob& job);

 private:
  struct Sooner {
    bool operator()(const DecodeJob* a, const DecodeJob* b) const;
  };

  void work();
  void fill(DecodeJob& job, std::int64_t first, std::int64_t end, std::unique_lock<std::mutex>& lock);
  std::int64_t part(const DecodeJob& job) const;

  int threads_;
  // TBB's own limit counts the thread that waits.
  tbb::global_control parallelism_;
  tbb::task_arena arena_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::set<DecodeJob*, Sooner> queue_;  ///< jobs with slots that no thread took
  std::int64_t submitted_ = 0;
  int workers_ = 0;  ///< tasks in the arena, running or not
};

/// A pool of decode threads; 0 threads is one per core.
std::shared_ptr<DecodePool> make_decode_pool(int threads);

}  // namespace dime
