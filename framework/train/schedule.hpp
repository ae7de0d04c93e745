// SPDX-License-Identifier: Apache-2.0
// The learning rate of each update. Torch-free.
#pragma once

#include <cstdint>

#include "config/experiment.hpp"

namespace dime {

/// Linear warm-up, then a constant or half a cosine down to a floor (timm's CosineLRScheduler with t_in_epochs=False,
/// cycle_limit=1, stepped *after* update i with index i: updates 0 and 1 use the same rate).
class Schedule {
 public:
  /// `epoch` is the number of updates in an epoch, `total` that of the whole run.
  Schedule(const ScheduleOptions& options, double base_lr, double epoch, std::int64_t total);
  /// The rate that update `update` uses; counts from 0.
  double at(std::int64_t update) const;

 private:
  bool cosine_;
  double base_;
  double warmup_lr_;
  double min_lr_;
  std::int64_t warmup_;
  std::int64_t total_;
};

}  // namespace dime
