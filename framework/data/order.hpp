// SPDX-License-Identifier: Apache-2.0
// Which row stands at which place of a stream: a pure function of (seed, stream, place), in O(1) memory. Torch-free.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data/locality.hpp"

namespace dime {

/// One row of one source, in one pass over that source.
struct RowId {
  int source = 0;
  std::int64_t row = 0;
  std::int64_t epoch = 0;
};

/// Consecutive rows of one source.
struct RowBlock {
  int source = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// One window of one source (see LocalPermutation), counted from 0 through all of its epochs.
struct WindowId {
  int source = 0;
  std::int64_t number = 0;
};

/// A key that keeps the streams of one run apart.
std::uint64_t stream_key(std::int64_t seed, std::string_view stream);

/// The order of a stream over one source or a weighted mixture.
///
/// Places count from 0 and never end. With one source, place p is row permutation_e(p mod n) of epoch e = p div n,
/// which is a LocalPermutation where a locality is given. In a mixture each block of 1,024 places holds every source by
/// quota (largest remainder), permuted by the block's key; the k-th draw of source i is row k mod n_i of its epoch k
/// div n_i.
class Order {
 public:
  static constexpr std::int64_t kBlock = 1024;

  /// `sizes` and `weights` have one entry per source; sizes are > 0. Throws DataError for a weight that is no number
  /// above 0, and when one leaves a source without a place in a block; ArgumentError for a locality without `shuffle`,
  /// and one whose window is no whole number of blocks.
  Order(std::vector<std::int64_t> sizes, const std::vector<double>& weights, std::uint64_t key, bool shuffle,
        std::optional<Locality> locality = std::nullopt);

  /// The row at `place`. `retry` > 0 gives the stand-ins of a broken row, in turn: rows from anywhere in the source.
  RowId at(std::int64_t place, int retry = 0) const;
  /// The rows of all sources together: the length of an epoch in places.
  std::int64_t size() const { return size_; }
  const std::vector<std::int64_t>& quotas() const { return quotas_; }
  const std::optional<Locality>& locality() const { return locality_; }
  /// The window of `place`; only with a locality.
  WindowId window_of(std::int64_t place) const;
  /// The windows of one epoch of a source; only with a locality.
  std::int64_t windows_of(int source) const { return local_order(source, 0).windows(); }
  /// The rows of a window, as its blocks; only with a locality.
  std::vector<RowBlock> blocks_of(const WindowId& window) const;

 private:
  /// The k-th draw of a source.
  struct Draw {
    int source = 0;
    std::int64_t k = 0;
  };

  Draw draw_at(std::int64_t place) const;
  std::int64_t rows_of(int source) const { return sizes_[static_cast<std::size_t>(source)]; }
  std::uint64_t key_of(std::uint64_t purpose, int source, std::int64_t epoch, int retry) const;
  LocalPermutation local_order(int source, std::int64_t epoch) const;

  std::vector<std::int64_t> sizes_;
  std::vector<std::int64_t> quotas_;
  std::int64_t size_ = 0;
  std::uint64_t key_;
  bool shuffle_;
  std::optional<Locality> locality_;
};

/// Cuts an order into full batches.
///
/// With `drop` an epoch has floor(n / batch) batches and its last places are left out; with `wrap` batches follow each
/// other without a gap, through the end of an epoch.
class BatchPlan {
 public:
  /// Throws DataError when `drop` would leave no batch.
  BatchPlan(std::int64_t rows, std::int64_t batch, bool drop);

  /// The place in the order of slot `slot` of batch `batch`.
  std::int64_t place(std::int64_t batch, std::int64_t slot) const;
  /// Batches in one epoch; not a whole number with `wrap`.
  double batches_per_epoch() const;
  std::int64_t batch_size() const { return batch_; }

 private:
  std::int64_t rows_;
  std::int64_t batch_;
  bool drop_;
};

}  // namespace dime
