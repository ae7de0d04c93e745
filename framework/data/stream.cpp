// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace dime {

class DecodePool {
 public:
  explicit DecodePool(int threads) : arena_(threads > 0 ? threads : tbb::task_arena::automatic) {}

  /// Fills all slots of `batch`. Broken rows are gathered by slot, so that their order does not depend on threads.
  void fill(const BatchMaker& maker, StreamBatch& batch, const SlotRow& row, int retries) {
    const std::int64_t n = batch.size();
    std::vector<std::vector<BrokenRow>> broken(static_cast<std::size_t>(n));
    arena_.execute([&] {
      tbb::parallel_for(std::int64_t{0}, n, [&](std::int64_t slot) {
        maker.fill(batch, slot, row, broken[static_cast<std::size_t>(slot)], retries);
      });
    });
    for (auto& rows : broken) std::move(rows.begin(), rows.end(), std::back_inserter(batch.broken));
  }

 private:
  tbb::task_arena arena_;
};

std::shared_ptr<DecodePool> make_decode_pool(int threads) { return std::make_shared<DecodePool>(threads); }

Stream::Stream(BatchMaker maker, Order order, BatchPlan plan, int rank, int world, std::shared_ptr<DecodePool> pool)
    : maker_(std::move(maker)),
      order_(std::move(order)),
      plan_(plan),
      rows_(rows_of_rank(plan.batch_size(), rank, world)),
      pool_(std::move(pool)) {}

Stream::~Stream() { stop(); }

void Stream::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (producer_.joinable()) producer_.join();
}

void Stream::seek(std::int64_t index) {
  stop();
  stopping_ = false;
  ready_.clear();
  error_ = nullptr;
  start_ = index;
}

StreamBatch Stream::next() {
  if (!producer_.joinable()) producer_ = std::thread([this] { produce(start_); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || error_ != nullptr; });
  if (ready_.empty()) std::rethrow_exception(error_);
  StreamBatch batch = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Stream::produce(std::int64_t index) {
  try {
    for (;; ++index) {
      StreamBatch batch = make(index);
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || ready_.size() < kAhead; });
      if (stopping_) return;
      ready_.push_back(std::move(batch));
      lock.unlock();
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    error_ = std::current_exception();
    changed_.notify_all();
  }
}

StreamBatch Stream::make(std::int64_t index) const {
  StreamBatch batch = maker_.allocate(rows_.count);
  batch.index = index;
  batch.epoch = static_cast<double>(index + 1) / plan_.batches_per_epoch();
  const SlotRow row = [&](std::int64_t slot, int retry) {
    return order_.at(plan_.place(index, rows_.first + slot), retry);
  };
  pool_->fill(maker_, batch, row, BatchMaker::kRetries);
  return batch;
}

Reader::Reader(BatchMaker maker, std::int64_t rows, std::int64_t batch, std::shared_ptr<DecodePool> pool)
    : maker_(std::move(maker)), rows_(rows), batch_(batch), pool_(std::move(pool)) {}

bool Reader::next(StreamBatch& out) {
  const std::int64_t n = std::min(batch_, rows_ - place_);
  if (n <= 0) return false;
  out = maker_.allocate(n);
  const SlotRow row = [&](std::int64_t slot, int) { return RowId{0, place_ + slot, 0}; };
  pool_->fill(maker_, out, row, 0);
  place_ += n;
  return true;
}

}  // namespace dime
