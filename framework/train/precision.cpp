// SPDX-License-Identifier: Apache-2.0
#include "train/precision.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>

namespace dime {
namespace {

constexpr double kInitialScale = 65536.0;
constexpr std::int64_t kGrowthInterval = 2000;

}  // namespace

Precision precision_of(const std::string& name) {
  if (name == "bf16") return Precision::bf16;
  if (name == "fp16") return Precision::fp16;
  return Precision::fp32;
}

AutocastGuard::AutocastGuard(Precision precision, const torch::Device& device)
    : active_(precision != Precision::fp32), device_(device.type()) {
  if (!active_) return;
  enabled_before_ = at::autocast::is_autocast_enabled(device_);
  dtype_before_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, precision == Precision::bf16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, enabled_before_);
  at::autocast::set_autocast_dtype(device_, dtype_before_);
}

LossScaler::LossScaler(Precision precision, const torch::Device& device)
    : active_(precision == Precision::fp16), device_(device), scale_(active_ ? kInitialScale : 1.0) {}

torch::Tensor LossScaler::scale(const torch::Tensor& loss) const { return active_ ? loss * scale_ : loss; }

bool LossScaler::unscale(const std::vector<torch::Tensor>& gradients) {
  if (!active_) return true;
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device_);
  auto found = torch::zeros({1}, options);
  const auto inverse = torch::full({1}, 1.0 / scale_, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found, inverse);
  return found.item<float>() == 0.0F;
}

void LossScaler::update(bool finite) {
  if (!active_) return;
  if (!finite) {
    scale_ *= 0.5;
    growth_ = 0;
  } else if (++growth_ == kGrowthInterval) {
    scale_ *= 2;
    growth_ = 0;
  }
}

void LossScaler::restore(double scale, std::int64_t growth) {
  scale_ = scale;
  growth_ = growth;
}

}  // namespace dime
