// SPDX-License-Identifier: Apache-2.0
#include "data/decode_pool.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include <oneapi/tbb/info.h>

namespace dime {

DecodeJob::DecodeJob(const BatchMaker& maker, StreamBatch batch, SlotRow row, int retries, std::int64_t distance)
    : maker_(maker),
      batch_(std::move(batch)),
      row_(std::move(row)),
      retries_(retries),
      distance_(distance),
      broken_(static_cast<std::size_t>(batch_.size())) {}

bool DecodePool::Sooner::operator()(const DecodeJob* a, const DecodeJob* b) const {
  return std::tie(a->distance_, a->number_) < std::tie(b->distance_, b->number_);
}

DecodePool::DecodePool(int threads)
    : threads_(threads > 0 ? threads : tbb::info::default_concurrency()),
      parallelism_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_) + 1),
      arena_(threads_, 0) {}

DecodePool::~DecodePool() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return workers_ == 0; });
}

void DecodePool::submit(DecodeJob& job) {
  const std::lock_guard lock(mutex_);
  job.number_ = submitted_++;
  if (job.batch_.size() == 0) return;
  queue_.insert(&job);
  for (; workers_ < threads_; ++workers_) arena_.enqueue([this] { work(); });
}

StreamBatch DecodePool::wait(DecodeJob& job) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return job.done(); });
  if (job.error_ != nullptr) std::rethrow_exception(job.error_);
  for (auto& rows : job.broken_) std::move(rows.begin(), rows.end(), std::back_inserter(job.batch_.broken));
  return std::move(job.batch_);
}

void DecodePool::cancel(DecodeJob& job) {
  std::unique_lock lock(mutex_);
  queue_.erase(&job);
  job.next_ = job.batch_.size();
  done_.wait(lock, [&] { return job.done(); });
}

// Small enough that all threads end together where one batch is waited for, large enough that cheap rows do not queue
// for the mutex.
std::int64_t DecodePool::part(const DecodeJob& job) const {
  return std::clamp<std::int64_t>(job.batch_.size() / (8 * threads_), 1, 32);
}

void DecodePool::work() {
  std::unique_lock lock(mutex_);
  while (!queue_.empty()) {
    DecodeJob& job = **queue_.begin();
    const std::int64_t first = job.next_;
    job.next_ = std::min(job.batch_.size(), first + part(job));
    if (job.next_ == job.batch_.size()) queue_.erase(&job);
    ++job.working_;
    fill(job, first, job.next_, lock);
    --job.working_;
    if (job.done()) done_.notify_all();
  }
  if (--workers_ == 0) done_.notify_all();
}

// After an error no more slots are given out. Those before it were, so the first error by slot does not depend on
// threads.
void DecodePool::fill(DecodeJob& job, std::int64_t first, std::int64_t end, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  std::int64_t slot = first;
  std::exception_ptr error;
  try {
    const StageTimer whole(job.maker_.times(), &StageTimes::whole);
    for (; slot < end; ++slot) {
      job.maker_.fill(job.batch_, slot, job.row_, job.broken_[static_cast<std::size_t>(slot)], job.retries_);
    }
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  if (error == nullptr) return;
  queue_.erase(&job);
  job.next_ = job.batch_.size();
  if (job.error_ != nullptr && job.error_slot_ < slot) return;
  job.error_ = error;
  job.error_slot_ = slot;
}

std::shared_ptr<DecodePool> make_decode_pool(int threads) { return std::make_shared<DecodePool>(threads); }

}  // namespace dime
