// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <dime/error.hpp>
#include <dime/random.hpp>
#include <dime/schema.hpp>

namespace dime {
namespace {

constexpr std::uint64_t kRowPurpose = 1;
constexpr std::uint64_t kBlockPurpose = 2;
constexpr std::uint64_t kLocalPurpose = 3;

// The weights by the largest, so that no sum of them overflows.
std::vector<double> scaled(std::vector<double> weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (std::isfinite(weights[i]) && weights[i] > 0) continue;
    throw DataError("source " + std::to_string(i + 1) + " of the mixture has the weight " +
                    detail::print_number(weights[i]) + ": a number above 0 is needed");
  }
  const double largest = *std::max_element(weights.begin(), weights.end());
  for (double& weight : weights) weight /= largest;
  return weights;
}

std::vector<std::int64_t> largest_remainder(const std::vector<double>& weights, std::int64_t total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::int64_t> quotas(weights.size());
  std::vector<std::size_t> by_remainder(weights.size());
  std::vector<double> remainder(weights.size());
  std::int64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double exact = weights[i] / sum * static_cast<double>(total);
    quotas[i] = static_cast<std::int64_t>(std::floor(exact));
    remainder[i] = exact - std::floor(exact);
    given += quotas[i];
    by_remainder[i] = i;
  }
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  for (std::int64_t i = 0; i < total - given; ++i) ++quotas[by_remainder[static_cast<std::size_t>(i)]];
  return quotas;
}

void check_locality(const Locality& locality, bool shuffle) {
  if (!shuffle) throw ArgumentError("a locality is one of a shuffled order");
  if (locality.block > 0 && locality.window > 0 && locality.window % locality.block == 0) return;
  throw ArgumentError("the window of a locality is a whole number of blocks of at least one row, not " +
                      std::to_string(locality.window) + " rows in blocks of " + std::to_string(locality.block));
}

}  // namespace

std::uint64_t stream_key(std::int64_t seed, std::string_view stream) {
  std::uint64_t name = 0;
  for (const char c : stream) name = mix64(name ^ static_cast<unsigned char>(c)) + 1;
  return random_key({static_cast<std::uint64_t>(seed), name});
}

Order::Order(std::vector<std::int64_t> sizes, const std::vector<double>& weights, std::uint64_t key, bool shuffle,
             std::optional<Locality> locality)
    : sizes_(std::move(sizes)),
      quotas_(largest_remainder(scaled(weights), kBlock)),
      size_(std::accumulate(sizes_.begin(), sizes_.end(), std::int64_t{0})),
      key_(key),
      shuffle_(shuffle),
      locality_(locality) {
  if (locality_) check_locality(*locality_, shuffle_);
  for (std::size_t i = 0; i < quotas_.size(); ++i) {
    if (quotas_[i] == 0) {
      throw DataError("source " + std::to_string(i + 1) + " of the mixture gets no row in a block of " +
                      std::to_string(kBlock) + ": raise its weight");
    }
  }
}

RowId Order::at(std::int64_t place, int retry) const {
  const auto [source, k] = draw_at(place);
  const std::int64_t n = rows_of(source), epoch = k / n, offset = k % n;
  if (!shuffle_ && retry == 0) return {source, offset, epoch};
  if (locality_ && retry == 0) return {source, local_order(source, epoch)(offset), epoch};
  const Permutation rows(static_cast<std::uint64_t>(n), key_of(kRowPurpose, source, epoch, retry));
  return {source, static_cast<std::int64_t>(rows(static_cast<std::uint64_t>(offset))), epoch};
}

Order::Draw Order::draw_at(std::int64_t place) const {
  if (sizes_.size() == 1) return {0, place};
  const std::int64_t block = place / kBlock;
  const Permutation within(kBlock, random_key({key_, kBlockPurpose, static_cast<std::uint64_t>(block)}));
  auto slot = static_cast<std::int64_t>(within(static_cast<std::uint64_t>(place % kBlock)));
  int source = 0;
  while (slot >= quotas_[static_cast<std::size_t>(source)]) slot -= quotas_[static_cast<std::size_t>(source++)];
  return {source, block * quotas_[static_cast<std::size_t>(source)] + slot};
}

std::uint64_t Order::key_of(std::uint64_t purpose, int source, std::int64_t epoch, int retry) const {
  return random_key({key_, purpose, static_cast<std::uint64_t>(source), static_cast<std::uint64_t>(epoch),
                     static_cast<std::uint64_t>(retry)});
}

LocalPermutation Order::local_order(int source, std::int64_t epoch) const {
  return {rows_of(source), *locality_, key_of(kLocalPurpose, source, epoch, 0)};
}

WindowId Order::window_of(std::int64_t place) const {
  const auto [source, k] = draw_at(place);
  const std::int64_t n = rows_of(source);
  const LocalPermutation rows = local_order(source, k / n);
  return {source, k / n * rows.windows() + rows.window_of(k % n)};
}

std::vector<RowBlock> Order::blocks_of(const WindowId& window) const {
  const std::int64_t windows = windows_of(window.source);
  const LocalPermutation rows = local_order(window.source, window.number / windows);
  std::vector<RowBlock> blocks;
  for (const std::int64_t first : rows.blocks_of(window.number % windows)) {
    blocks.push_back({window.source, first, std::min(locality_->block, rows_of(window.source) - first)});
  }
  return blocks;
}

BatchPlan::BatchPlan(std::int64_t rows, std::int64_t batch, bool drop) : rows_(rows), batch_(batch), drop_(drop) {
  if (drop && rows < batch) {
    throw DataError("batch_size " + std::to_string(batch) + " is more than the " + std::to_string(rows) +
                    " rows of the source: lower it, or say `last: wrap`");
  }
}

std::int64_t BatchPlan::place(std::int64_t batch, std::int64_t slot) const {
  if (!drop_) return batch * batch_ + slot;
  const std::int64_t per_epoch = rows_ / batch_;
  return batch / per_epoch * rows_ + batch % per_epoch * batch_ + slot;
}

double BatchPlan::batches_per_epoch() const {
  const std::int64_t whole = rows_ / batch_;
  return drop_ ? static_cast<double>(whole) : static_cast<double>(rows_) / static_cast<double>(batch_);
}

}  // namespace dime
