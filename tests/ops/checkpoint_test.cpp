// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <dime/model.hpp>

#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

ForwardContext checkpointing() {
  ForwardContext context;
  context.training = context.checkpointing = true;
  return context;
}

struct Layer {
  torch::Tensor weight = at::randn({6, 4}).requires_grad_();
  int passes = 0;
  std::vector<at::ScalarType> types{};

  std::function<torch::Tensor(torch::Tensor)> body() {
    return [this](torch::Tensor x) {
      ++passes;
      const auto y = at::linear(x, weight);
      types.push_back(y.scalar_type());
      return y.tanh();
    };
  }
};

TEST(Checkpoint, GivesTheSameGradientsAndRunsTwice) {
  Layer layer;
  const auto x = at::randn({3, 4}).requires_grad_();
  const auto want = torch::autograd::grad({layer.body()(x).square().sum()}, {x, layer.weight});
  layer.passes = 0;
  const auto y = checkpointing().checkpoint(layer.body(), x);
  EXPECT_EQ(layer.passes, 1);
  y.square().sum().backward();
  EXPECT_EQ(layer.passes, 2);
  EXPECT_TRUE(at::equal(x.grad(), want[0]));
  EXPECT_TRUE(at::equal(layer.weight.grad(), want[1]));
}

TEST(Checkpoint, ReachesParametersWhenTheInputNeedsNoGradient) {
  Layer layer;
  const auto x = at::randn({3, 4});
  const auto want = torch::autograd::grad({layer.body()(x).square().sum()}, {layer.weight})[0];
  checkpointing().checkpoint(layer.body(), x).square().sum().backward();
  EXPECT_TRUE(at::equal(layer.weight.grad(), want));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Checkpoint, Nests) {
  Layer first, second;
  second.weight = at::randn({2, 6}).requires_grad_();
  const auto x = at::randn({3, 4}).requires_grad_();
  const auto both = [&](torch::Tensor y) {
    return checkpointing().checkpoint(second.body(), checkpointing().checkpoint(first.body(), std::move(y)));
  };
  const auto want = torch::autograd::grad({second.body()(first.body()(x)).sum()}, {x, first.weight, second.weight});
  checkpointing().checkpoint(both, x).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), want[0]));
  EXPECT_TRUE(at::equal(first.weight.grad(), want[1]));
  EXPECT_TRUE(at::equal(second.weight.grad(), want[2]));
}

TEST(Checkpoint, RunsOnceOutsideTrainingAndWithoutGradients) {
  Layer layer;
  ForwardContext evaluation;
  evaluation.checkpointing = true;
  EXPECT_EQ(evaluation.checkpoint(layer.body(), at::randn({3, 4})).grad_fn()->name(), "TanhBackward0");
  const at::NoGradGuard guard;
  EXPECT_FALSE(checkpointing().checkpoint(layer.body(), at::randn({3, 4})).requires_grad());
}

TEST(Checkpoint, RestoresTheStateOfAutocast) {
  Layer layer;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto y = checkpointing().checkpoint(layer.body(), at::randn({3, 4}));
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  y.to(at::kFloat).sum().backward();
  EXPECT_EQ(layer.types, (std::vector<at::ScalarType>{at::kBFloat16, at::kBFloat16}));
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_EQ(layer.weight.grad().scalar_type(), at::kFloat);
}

// Autocast keeps casts of parameters; one made without gradient in the first pass would lose the parameter's gradient.
TEST(Checkpoint, BackwardInsideAutocastReachesParameters) {
  Layer layer;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::increment_nesting();
  const auto x = at::randn({3, 4});
  const auto outside = at::linear(x, layer.weight).tanh();
  const auto y = checkpointing().checkpoint(layer.body(), x) + outside;
  y.to(at::kFloat).sum().backward();
  at::autocast::decrement_nesting();
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  const auto both = layer.weight.grad().clone();
  EXPECT_TRUE(at::autocast::is_autocast_cache_enabled());
  const auto want = torch::autograd::grad({2 * at::linear(x, layer.weight).tanh().sum()}, {layer.weight})[0];
  EXPECT_LE(relative_distance(both, want), 2e-2);
}

TEST(Checkpoint, DrawsTheSameRandomNumbersAgain) {
  const auto x = at::ones({1000}).requires_grad_();
  const auto y = checkpointing().checkpoint([](torch::Tensor z) { return at::dropout(z, 0.5, true); }, x);
  const auto after_forward = at::rand({1});
  const auto state = at::detail::getDefaultCPUGenerator().get_state();
  y.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), y.detach()));
  EXPECT_TRUE(at::equal(at::detail::getDefaultCPUGenerator().get_state(), state));
  EXPECT_TRUE(after_forward.defined());
}

TEST(Checkpoint, AnErrorOfTheBodyLeavesTheContextAsItWas) {
  auto context = checkpointing();
  context.wanted_taps = {"inside"};
  const auto tap = [&](torch::Tensor x) { return context.tap("inside", x * 2); };
  EXPECT_EQ(
      error_text<ArgumentError>([&] { context.checkpoint(tap, at::ones({2})); }),
      "tap(): \"inside\" lies inside checkpoint(), where it would have no gradient; tap what checkpoint() returns");
  EXPECT_NO_THROW(context.tap("inside", at::ones({2})));
}

}  // namespace
}  // namespace dime::test
