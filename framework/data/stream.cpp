// SPDX-License-Identifier: Apache-2.0
#include "data/stream.hpp"

#include <algorithm>

namespace dime {

Stream::Stream(BatchMaker maker, Order order, BatchPlan plan, int rank, int world, std::shared_ptr<DecodePool> pool)
    : order_(std::move(order)),
      plan_(plan),
      rows_(rows_of_rank(plan.batch_size(), rank, world)),
      fetched_(order_.quotas().size(), -1),
      ahead_(std::move(maker), std::move(pool), BatchMaker::kRetries) {}

void Stream::seek(std::int64_t index) {
  ahead_.clear();
  next_ = index;
  fetched_.assign(fetched_.size(), -1);
}

StreamBatch Stream::next() {
  for (; ahead_.size() < kAhead; ++next_) push(next_);
  return ahead_.pop();
}

void Stream::push(std::int64_t index) {
  const double epoch = static_cast<double>(index + 1) / plan_.batches_per_epoch();
  ahead_.push(rows_.count, index, epoch, [this, index, blocks = new_blocks(index)](std::int64_t slot, int retry) {
    if (slot == 0 && retry == 0) {
      for (const RowBlock& block : blocks) ahead_.maker().will_need(block);
    }
    return order_.at(plan_.place(index, rows_.first + slot), retry);
  });
}

// All processes that share a disk read from the same windows, so that each looks at the whole batch.
std::vector<RowBlock> Stream::new_blocks(std::int64_t index) {
  std::vector<RowBlock> blocks;
  if (!order_.locality()) return blocks;
  for (const std::int64_t ahead : {std::int64_t{0}, order_.locality()->window}) {
    for (std::int64_t slot = 0; slot < plan_.batch_size(); ++slot) {
      const auto [source, number] = order_.window_of(plan_.place(index, slot) + ahead);
      std::int64_t& last = fetched_[static_cast<std::size_t>(source)];
      // Windows that are shorter than the way ahead are not passed over, nor a small source's told again and again.
      last = std::max(last < 0 ? number - 1 : last, number - order_.windows_of(source));
      while (last < number) {
        const auto more = order_.blocks_of({source, ++last});
        blocks.insert(blocks.end(), more.begin(), more.end());
      }
    }
  }
  return blocks;
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
