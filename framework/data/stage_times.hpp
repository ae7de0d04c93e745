// SPDX-License-Identifier: Apache-2.0
// Where the time of the decode threads goes. Torch-free.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace dime {

/// What filling rows took so far, summed over threads, in nanoseconds. Safe from many threads.
struct StageTimes {
  std::atomic<std::int64_t> read{0};       ///< the source's row: the file, base64, stored vectors
  std::atomic<std::int64_t> decode{0};     ///< of the image
  std::atomic<std::int64_t> resize{0};     ///< the list of transforms
  std::atomic<std::int64_t> normalise{0};  ///< from bytes to the batch's floats
  std::atomic<std::int64_t> tokenise{0};
  std::atomic<std::int64_t> whole{0};  ///< all of the above and what lies between
  std::atomic<std::int64_t> rows{0};   ///< slots that were filled
};

/// Adds the time of its own life to one stage; without StageTimes it does nothing and asks no clock.
class StageTimer {
 public:
  StageTimer(StageTimes* times, std::atomic<std::int64_t> StageTimes::*stage)
      : total_(times == nullptr ? nullptr : &(times->*stage)) {
    if (total_ != nullptr) start_ = Clock::now();
  }
  ~StageTimer() {
    if (total_ == nullptr) return;
    const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_);
    total_->fetch_add(spent.count(), std::memory_order_relaxed);
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;

  std::atomic<std::int64_t>* total_;
  Clock::time_point start_;
};

}  // namespace dime
