// SPDX-License-Identifier: Apache-2.0
// The face of a group of processes that train together. A world of one is an ordinary implementation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include <dime/api.hpp>

namespace dime {

/// The rows of the global batch that a process holds: first <= i < first + count, of `total`.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t total = 0;
};

/// Rows floor(rank B / W) to floor((rank + 1) B / W) of a global batch of B rows.
DIME_API RowRange rows_of_rank(std::int64_t batch, int rank, int world);

/// Collective operations. Every process calls the same ones in the same order.
class DIME_API Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// The elementwise sum over processes, in place. Not differentiated.
  virtual void all_reduce_sum(torch::Tensor& x) = 0;
  /// The elementwise maximum over processes, in place. Not differentiated.
  virtual void all_reduce_max(torch::Tensor& x) = 0;
  /// Concatenates the parts [n_r, ...] of all processes along rows; the parts may differ in length. Not differentiated.
  virtual torch::Tensor all_gather_rows(const torch::Tensor& part) = 0;
  /// Copies `x` of process `root` to every process, in place.
  virtual void broadcast(torch::Tensor& x, int root) = 0;
  virtual void barrier() = 0;
};

/// The group of one process: every collective is the identity.
class DIME_API WorldOfOne final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce_sum(torch::Tensor&) override {}
  void all_reduce_max(torch::Tensor&) override {}
  torch::Tensor all_gather_rows(const torch::Tensor& part) override { return part; }
  void broadcast(torch::Tensor&, int) override {}
  void barrier() override {}
};

}  // namespace dime
