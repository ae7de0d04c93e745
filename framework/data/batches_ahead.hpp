// SPDX-License-Identifier: Apache-2.0
// Batches of one stream that are made ahead of need, and the memory that they are made in.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "data/decode_pool.hpp"

namespace dime {

/// Gives the tensors of earlier batches again once nothing else holds them: new memory costs a page fault for every
/// 4 KiB. A batch that its user keeps, or a view of it, is never written again. Page-locked tensors are new for each
/// batch: LibTorch caches their memory itself, and alone knows of copies to the GPU that are still under way.
class BatchBuffers {
 public:
  /// An empty batch of `rows` rows. Call where the batches' users let go of them, or after.
  StreamBatch take(const BatchMaker& maker, std::int64_t rows);

 private:
  static constexpr std::size_t kMost = 8;  ///< more than are in use at once, unless the user keeps batches

  std::vector<StreamBatch> known_;
};

/// Batches in the order in which they were asked for, filled by a pool. For one thread.
class BatchesAhead {
 public:
  /// `retries`: how many stand-ins a broken row may have (see BatchMaker::fill).
  BatchesAhead(BatchMaker maker, std::shared_ptr<DecodePool> pool, int retries);
  ~BatchesAhead();
  BatchesAhead(const BatchesAhead&) = delete;
  BatchesAhead& operator=(const BatchesAhead&) = delete;

  /// Begins to make a batch of `rows` rows. `row` is called by many threads until the batch is popped.
  void push(std::int64_t rows, std::int64_t index, double epoch, SlotRow row);
  /// The first batch that was pushed and not popped; waits for it. Throws what making it threw, each time anew, and
  /// does not go on then. There must be one.
  StreamBatch pop();
  /// Takes back what was pushed and not popped.
  void clear();
  /// The batches that were pushed and not popped.
  std::size_t size() const { return jobs_.size(); }
  const BatchMaker& maker() const { return maker_; }

 private:
  BatchMaker maker_;
  std::shared_ptr<DecodePool> pool_;
  int retries_;
  std::int64_t pushed_ = 0;  ///< since the last `clear`
  BatchBuffers buffers_;
  std::deque<std::unique_ptr<DecodeJob>> jobs_;
};

}  // namespace dime
