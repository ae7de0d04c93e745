// SPDX-License-Identifier: Apache-2.0
#include "data/batches_ahead.hpp"

#include <algorithm>

namespace dime {
namespace {

// A view shares the storage, not the tensor.
bool held_only_here(const torch::Tensor& x) {
  return !x.defined() || (x.use_count() == 1 && x.storage().use_count() == 1);
}

bool held_only_here(const StreamBatch& batch) {
  return held_only_here(batch.pixels) && held_only_here(batch.tokens) && held_only_here(batch.vectors) &&
         held_only_here(batch.labels);
}

}  // namespace

StreamBatch BatchBuffers::take(const BatchMaker& maker, std::int64_t rows) {
  if (maker.content().pinned) return maker.allocate(rows);
  const auto free = std::find_if(known_.begin(), known_.end(), [&](const StreamBatch& batch) {
    return batch.size() == rows && held_only_here(batch);
  });
  if (free != known_.end()) return *free;
  if (known_.size() == kMost) known_.erase(known_.begin());
  return known_.emplace_back(maker.allocate(rows));
}

BatchesAhead::BatchesAhead(BatchMaker maker, std::shared_ptr<DecodePool> pool, int retries)
    : maker_(std::move(maker)), pool_(std::move(pool)), retries_(retries) {}

BatchesAhead::~BatchesAhead() { clear(); }

void BatchesAhead::push(std::int64_t rows, std::int64_t index, double epoch, SlotRow row) {
  StreamBatch batch = buffers_.take(maker_, rows);
  batch.index = index;
  batch.epoch = epoch;
  jobs_.push_back(std::make_unique<DecodeJob>(maker_, std::move(batch), std::move(row), retries_, pushed_++));
  pool_->submit(*jobs_.back());
}

StreamBatch BatchesAhead::pop() {
  StreamBatch batch = pool_->wait(*jobs_.front());
  jobs_.pop_front();
  return batch;
}

void BatchesAhead::clear() {
  for (const auto& job : jobs_) pool_->cancel(*job);
  jobs_.clear();
  pushed_ = 0;
}

}  // namespace dime
