// SPDX-License-Identifier: Apache-2.0
// Workers that take numbered blocks and add to something shared in the order of the blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace dime::detail {

/// Blocks are handed out in order; each counts the tiles that it has done. A worker waits only for blocks before its
/// own, which others already work on, so that sums which keep to this order do not depend on which worker was quicker.
class Turns {
 public:
  explicit Turns(std::int64_t blocks) : done_(static_cast<std::size_t>(blocks)) {}

  /// The next block, or one past the last.
  std::int64_t take() { return next_.fetch_add(1, std::memory_order_relaxed); }
  std::int64_t blocks() const { return static_cast<std::int64_t>(done_.size()); }

  /// Until `block` has done that many tiles. A block below 0 has done all.
  void wait_for(std::int64_t block, std::int64_t tiles) const {
    if (block < 0) return;
    const auto& done = done_[static_cast<std::size_t>(block)];
    while (done.load(std::memory_order_acquire) < tiles) std::this_thread::yield();
  }
  void finish(std::int64_t block, std::int64_t tiles) {
    done_[static_cast<std::size_t>(block)].store(tiles, std::memory_order_release);
  }

 private:
  std::atomic<std::int64_t> next_{0};
  std::vector<std::atomic<std::int64_t>> done_;
};

}  // namespace dime::detail
