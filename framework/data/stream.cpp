// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

namespace dime {

Stream::Stream(BatchMaker maker, Order order, BatchPlan plan, int rank, int world, std::shared_ptr<DecodePool> pool)
    : order_(std::move(order)),
      plan_(plan),
      rows_(rows_of_rank(plan.batch_size(), rank, world)),
      ahead_(std::move(maker), std::move(pool), BatchMaker::kRetries) {}

void Stream::seek(std::int64_t index) {
  ahead_.clear();
  next_ = index;
}

StreamBatch Stream::next() {
  for (; ahead_.size() < kAhead; ++next_) push(next_);
  return ahead_.pop();
}

void Stream::push(std::int64_t index) {
  const double epoch = static_cast<double>(index + 1) / plan_.batches_per_epoch();
  ahead_.push(rows_.count, index, epoch, [this, index](std::int64_t slot, int retry) {
    return order_.at(plan_.place(index, rows_.first + slot), retry);
  });
}

Reader::Reader(BatchMaker maker, std::int64_t rows, std::int64_t batch, std::shared_ptr<DecodePool> pool)
    : rows_(rows), batch_(batch), ahead_(std::make_unique<BatchesAhead>(std::move(maker), std::move(pool), 0)) {}

bool Reader::next(StreamBatch& out) {
  while (ahead_->size() < kAhead && place_ < rows_) {
    const std::int64_t n = std::min(batch_, rows_ - place_);
    ahead_->push(n, place_ / batch_, 0, [first = place_](std::int64_t slot, int) { return RowId{0, first + slot, 0}; });
    place_ += n;
  }
  if (ahead_->size() == 0) return false;
  out = ahead_->pop();
  return true;
}

}  // namespace dime
