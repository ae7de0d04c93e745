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
  if (sizes_.size() == 1) return draw(0, place, retry);
  const std::int64_t block = place / kBlock;
  const Permutation within(kBlock, random_key({key_, kBlockPurpose, static_cast<std::uint64_t>(block)}));
  auto slot = static_cast<std::int64_t>(within(static_cast<std::uint64_t>(place % kBlock)));
  int source = 0;
  while (slot >= quotas_[static_cast<std::size_t>(source)]) slot -= quotas_[static_cast<std::size_t>(source++)];
  return draw(source, block * quotas_[static_cast<std::size_t>(source)] + slot, retry);
}

RowId Order::draw(int source, std::int64_t k, int retry) const {
  const std::int64_t n = sizes_[static_cast<std::size_t>(source)];
  const std::int64_t epoch = k / n;
  return {source, row(source, epoch, k % n, retry), epoch};
}

std::int64_t Order::row(int source, std::int64_t epoch, std::int64_t offset, int retry) const {
  if (!shuffle_ && retry == 0) return offset;
  const std::int64_t n = sizes_[static_cast<std::size_t>(source)];
  const auto key = [&](std::uint64_t purpose) {
    return random_key({key_, purpose, static_cast<std::uint64_t>(source), static_cast<std::uint64_t>(epoch),
                       static_cast<std::uint64_t>(retry)});
  };
  if (locality_ && retry == 0) return LocalPermutation(n, *locality_, key(kLocalPurpose))(offset);
  const Permutation rows(static_cast<std::uint64_t>(n), key(kRowPurpose));
  return static_cast<std::int64_t>(rows(static_cast<std::uint64_t>(offset)));
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
