// SPDX-License-Identifier: Apache-2.0
// Mixed precision: autocast as a guard, and the dynamic scale of fp16's loss.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

namespace dime {

enum class Precision { fp32, bf16, fp16 };
/// "fp32", "bf16" or "fp16" as the experiment's schema allows.
Precision precision_of(const std::string& name);

/// Autocast for the guard's life; clears its cache of cast weights at the end. Does nothing for fp32.
class AutocastGuard {
 public:
  AutocastGuard(Precision precision, const torch::Device& device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  bool active_;
  at::DeviceType device_;
  bool enabled_before_ = false;
  at::ScalarType dtype_before_ = at::kFloat;
};

/// The scale that keeps fp16 gradients from vanishing: doubled after 2,000 good steps, halved at once after a bad one.
/// For fp32 and bf16 the scale is 1 and never moves.
class LossScaler {
 public:
  LossScaler(Precision precision, const torch::Device& device);
  torch::Tensor scale(const torch::Tensor& loss) const;
  /// Divides the gradients by the scale, in place; true when all are finite.
  bool unscale(const std::vector<torch::Tensor>& gradients);
  /// Moves the scale after a step whose gradients were finite or not.
  void update(bool finite);
  bool active() const { return active_; }
  /// Whether the scale has fallen so far that halving it again would not help.
  bool exhausted() const { return active_ && scale_ < 1e-4; }
  double value() const { return scale_; }
  std::int64_t growth() const { return growth_; }
  void restore(double scale, std::int64_t growth);

 private:
  bool active_;
  torch::Device device_;
  double scale_;
  std::int64_t growth_ = 0;
};

}  // namespace dime
