// SPDX-License-Identifier: Apache-2.0
#include "train/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include "support/tensors.hpp"

namespace dime {
namespace {

torch::Tensor leaf(const torch::Tensor& x) { return x.detach().clone().requires_grad_(true); }

TEST(AdamW, DecaysMatricesOnly) {
  const auto matrix = torch::zeros({2, 2}), vector = torch::zeros({2}), scalar = torch::zeros({});
  EXPECT_TRUE(takes_weight_decay("visual.conv1.weight", torch::zeros({2, 2, 2, 2})));
  EXPECT_TRUE(takes_weight_decay("visual.proj", matrix));
  EXPECT_TRUE(takes_weight_decay("bias.weight", matrix));
  EXPECT_FALSE(takes_weight_decay("visual.ln_post.weight", vector));
  EXPECT_FALSE(takes_weight_decay("logit_scale", scalar));
  EXPECT_FALSE(takes_weight_decay("head.bias", matrix));
  EXPECT_FALSE(takes_weight_decay("visual.positional_embedding", matrix));
  EXPECT_FALSE(takes_weight_decay("token_embedding.weight", matrix));
  EXPECT_FALSE(takes_weight_decay("layers.0.relative_position_bias_table", matrix));
  EXPECT_FALSE(takes_weight_decay("absolute_pos_embed", torch::zeros({1, 4, 2})));
}

/// LibTorch's own AdamW over the same two groups.
std::unique_ptr<torch::optim::AdamW> reference(const torch::Tensor& matrix, const torch::Tensor& vector,
                                               const OptimizerOptions& o) {
  const auto options = [&](double decay) {
    auto made = std::make_unique<torch::optim::AdamWOptions>(o.lr);
    made->betas({o.betas[0], o.betas[1]}).eps(o.eps).weight_decay(decay);
    return made;
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{matrix}, options(o.weight_decay));
  groups.emplace_back(std::vector<torch::Tensor>{vector}, options(0));
  return std::make_unique<torch::optim::AdamW>(groups, torch::optim::AdamWOptions(o.lr));
}

TEST(AdamW, IsLibTorchs) {
  torch::manual_seed(3);
  OptimizerOptions options;
  options.weight_decay = 0.3;
  options.betas = {0.8, 0.95};
  const auto matrix = torch::randn({7, 5}), vector = torch::randn({5});
  const auto a = leaf(matrix), b = leaf(vector), c = leaf(matrix), d = leaf(vector);
  AdamW ours({{"w.weight", a}, {"w.bias", b}}, options);
  const auto theirs = reference(c, d, options);
  for (int step = 0; step < 20; ++step) {
    const double lr = 0.01 * (step + 1);
    a.mutable_grad() = torch::randn({7, 5});
    b.mutable_grad() = torch::randn({5});
    c.mutable_grad() = a.grad().clone();
    d.mutable_grad() = b.grad().clone();
    ours.step(lr);
    for (auto& group : theirs->param_groups()) static_cast<torch::optim::AdamWOptions&>(group.options()).lr(lr);
    theirs->step();
    EXPECT_LE(test::relative_distance(a, c), 1e-6) << step;
    EXPECT_LE(test::relative_distance(b, d), 1e-6) << step;
  }
}

TEST(AdamW, ParametersWithoutGradientKeepStill) {
  const auto a = leaf(torch::ones({2, 2})), b = leaf(torch::ones({2, 2})), frozen = torch::ones({2, 2});
  AdamW optimizer({{"a", a}, {"b", b}, {"frozen", frozen}}, {});
  EXPECT_EQ(optimizer.parameters().size(), 2U);
  a.mutable_grad() = torch::ones({2, 2});
  EXPECT_EQ(optimizer.gradients().size(), 1U);
  optimizer.step(0.1);
  EXPECT_FALSE(torch::equal(a, torch::ones({2, 2})));
  EXPECT_TRUE(torch::equal(b, torch::ones({2, 2})));
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, tensor] : optimizer.state()) state[name] = tensor;
  EXPECT_EQ(state.size(), 6U);
  EXPECT_EQ(state.at("step/a").item<float>(), 1);
  EXPECT_EQ(state.at("step/b").item<float>(), 0);
  optimizer.zero_grad();
  EXPECT_TRUE(optimizer.gradients().empty());
}

TEST(AdamW, GoesOnFromItsState) {
  torch::manual_seed(4);
  std::vector<torch::Tensor> gradients;
  for (int i = 0; i < 6; ++i) gradients.push_back(torch::randn({3, 3}));
  const auto advance = [&](AdamW& optimizer, const torch::Tensor& x, int from, int to) {
    for (int i = from; i < to; ++i) {
      x.mutable_grad() = gradients[static_cast<std::size_t>(i)].clone();
      optimizer.step(0.05);
    }
  };
  const auto whole = leaf(torch::ones({3, 3})), first = leaf(torch::ones({3, 3}));
  AdamW straight({{"x", whole}}, {});
  advance(straight, whole, 0, 6);
  AdamW before({{"x", first}}, {});
  advance(before, first, 0, 3);
  const auto second = leaf(first);
  AdamW after({{"x", second}}, {});
  const auto saved = before.state();
  const auto restored = after.state();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(restored[i].first, saved[i].first);
    torch::Tensor(restored[i].second).copy_(saved[i].second);
  }
  advance(after, second, 3, 6);
  EXPECT_TRUE(torch::equal(whole, second));
}

TEST(ClipGradients, ScalesTheWholeNorm) {
  const auto a = torch::full({4}, 3.0F), b = torch::full({4}, 4.0F);
  EXPECT_NEAR(clip_gradients({a, b}, 0), 10, 1e-6);
  EXPECT_EQ(a[0].item<float>(), 3);
  EXPECT_NEAR(clip_gradients({a, b}, 20), 10, 1e-6);
  EXPECT_EQ(a[0].item<float>(), 3);
  EXPECT_NEAR(clip_gradients({a, b}, 5), 10, 1e-6);
  EXPECT_NEAR(a[0].item<float>(), 1.5, 1e-6);
  EXPECT_NEAR(b[3].item<float>(), 2, 1e-6);
  EXPECT_EQ(clip_gradients({}, 1), 0);
}

}  // namespace
}  // namespace dime
