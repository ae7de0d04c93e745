// SPDX-License-Identifier: Apache-2.0
#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dime {

Schedule::Schedule(const ScheduleOptions& options, double base_lr, double epoch, std::int64_t total)
    : cosine_(options.type == "cosine"),
      base_(base_lr),
      warmup_lr_(options.warmup_lr),
      min_lr_(options.min_lr),
      warmup_(options.warmup.steps(epoch)),
      total_(total) {}

double Schedule::at(std::int64_t update) const {
  const std::int64_t i = std::max<std::int64_t>(update - 1, 0);
  if (i < warmup_) return warmup_lr_ + static_cast<double>(i) * (base_ - warmup_lr_) / static_cast<double>(warmup_);
  if (!cosine_) return base_;
  if (i >= total_) return min_lr_;
  const double turn = std::numbers::pi * static_cast<double>(i) / static_cast<double>(total_);
  return min_lr_ + 0.5 * (base_ - min_lr_) * (1 + std::cos(turn));
}

}  // namespace dime
