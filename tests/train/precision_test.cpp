// SPDX-License-Identifier: Apache-2.0
#include "train/precision.hpp"

#include <gtest/gtest.h>

#include <limits>

#include <ATen/autocast_mode.h>

namespace dime {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

at::ScalarType product_type() { return torch::ones({2, 2}).matmul(torch::ones({2, 2})).scalar_type(); }

TEST(AutocastGuard, CastsAndPutsEverythingBack) {
  const auto before = at::autocast::get_autocast_dtype(at::kCPU);
  {
    const AutocastGuard outer(Precision::bf16, torch::kCPU);
    EXPECT_EQ(product_type(), at::kBFloat16);
    {
      const AutocastGuard inner(Precision::fp16, torch::kCPU);
      EXPECT_EQ(product_type(), at::kHalf);
    }
    EXPECT_EQ(product_type(), at::kBFloat16);
  }
  EXPECT_EQ(product_type(), at::kFloat);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCPU), before);
}

TEST(AutocastGuard, Fp32DoesNothing) {
  const AutocastGuard guard(Precision::fp32, torch::kCPU);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_EQ(product_type(), at::kFloat);
}

// A cached cast must not outlive an update of the weights.
TEST(AutocastGuard, ForgetsTheCastsOfWeights) {
  auto weight = torch::ones({2, 2}).requires_grad_(true);
  const auto product = [&] {
    const AutocastGuard guard(Precision::bf16, torch::kCPU);
    return torch::ones({2, 2}).matmul(weight)[0][0].item<float>();
  };
  EXPECT_EQ(product(), 2);
  {
    const torch::NoGradGuard guard;
    weight.mul_(3);
  }
  EXPECT_EQ(product(), 6);
}

TEST(AutocastGuard, IsLeftByAnException) {
  try {
    const AutocastGuard guard(Precision::bf16, torch::kCPU);
    throw std::runtime_error("inside");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
}

TEST(LossScaler, HalvesAtOnceAndGrowsAfter2000GoodSteps) {
  LossScaler scaler(Precision::fp16, torch::kCPU);
  EXPECT_TRUE(scaler.active());
  EXPECT_EQ(scaler.value(), 65536);
  EXPECT_EQ(scaler.scale(torch::full({}, 2.0F)).item<float>(), 131072);
  scaler.update(false);
  EXPECT_EQ(scaler.value(), 32768);
  for (int i = 0; i < 1999; ++i) scaler.update(true);
  EXPECT_EQ(scaler.value(), 32768);
  EXPECT_EQ(scaler.growth(), 1999);
  scaler.update(true);
  EXPECT_EQ(scaler.value(), 65536);
  EXPECT_EQ(scaler.growth(), 0);
  scaler.update(true);
  scaler.update(false);
  EXPECT_EQ(scaler.growth(), 0);
}

TEST(LossScaler, UnscalesAndFindsWhatIsNotFinite) {
  LossScaler scaler(Precision::fp16, torch::kCPU);
  const auto good = torch::full({3}, 65536.0F);
  EXPECT_TRUE(scaler.unscale({good}));
  EXPECT_TRUE(torch::equal(good, torch::ones({3})));
  EXPECT_FALSE(scaler.unscale({torch::ones({3}), torch::full({2}, kInf)}));
  EXPECT_FALSE(scaler.unscale({torch::full({1}, std::numeric_limits<float>::quiet_NaN())}));
}

TEST(LossScaler, IsRestored) {
  LossScaler scaler(Precision::fp16, torch::kCPU);
  scaler.restore(128, 1999);
  scaler.update(true);
  EXPECT_EQ(scaler.value(), 256);
}

TEST(LossScaler, IsNotNeededByFp32AndBf16) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    LossScaler scaler(precision, torch::kCPU);
    const auto inf = torch::full({1}, kInf);
    EXPECT_FALSE(scaler.active());
    EXPECT_TRUE(scaler.unscale({inf}));
    scaler.update(false);
    EXPECT_EQ(scaler.value(), 1);
    EXPECT_EQ(scaler.scale(torch::full({}, 2.0F)).item<float>(), 2);
  }
}

TEST(Precision, Names) {
  EXPECT_EQ(precision_of("fp32"), Precision::fp32);
  EXPECT_EQ(precision_of("bf16"), Precision::bf16);
  EXPECT_EQ(precision_of("fp16"), Precision::fp16);
}

}  // namespace
}  // namespace dime
