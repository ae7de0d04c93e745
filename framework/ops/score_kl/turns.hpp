// SPDX-License-Identifier: Apache-2.0
// Workers that take numbered blocks and must add to something shared in the order of the blocks, tile after tile.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace dime::detail {

/// Blocks are handed out in order; block b may add to tile t once block b - 1 has. So sums do not depend on which
/// worker was quicker, and no worker needs a sum of its own. A worker waits only for blocks that others already work
/// on.
class Turns {
 public:
  explicit Turns(std::int64_t blocks) : done_(static_cast<std::size_t>(blocks)) {}

  /// The next block, or one past the last.
  std::int64_t take() { return next_.fetch_add(1, std::memory_order_relaxed); }
  std::int64_t blocks() const { return static_cast<std::int64_t>(done_.size()); }

  void wait(std::int64_t block, std::int64_t tile) const {
    if (block > 0) wait_for(block - 1, tile);
  }
  /// Until an earlier block has done a tile.
  void wait_for(std::int64_t block, std::int64_t tile) const {
    const auto& done = done_[static_cast<std::size_t>(block)];
    while (done.load(std::memory_order_acquire) <= tile) std::this_thread::yield();
  }
  void finish(std::int64_t block, std::int64_t tile) {
    done_[static_cast<std::size_t>(block)].store(tile + 1, std::memory_order_release);
  }

 private:
  std::atomic<std::int64_t> next_{0};
  std::vector<std::atomic<std::int64_t>> done_;
};

}  // namespace dime::detail
