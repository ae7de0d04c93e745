// SPDX-License-Identifier: Apache-2.0
#include "ops/linear.hpp"

#include <gtest/gtest.h>

#include <ATen/autocast_mode.h>

#include "support/tensors.hpp"

namespace dime::test {
namespace {

struct Case {
  torch::Tensor x, weight, bias, to;

  explicit Case(std::vector<std::int64_t> rows, bool with_bias = true) {
    at::manual_seed(3);
    rows.push_back(40);
    to = at::randn(rows);
    rows.back() = 24;
    x = at::randn(rows).requires_grad_();
    weight = at::randn({40, 24}).requires_grad_();
    if (with_bias) bias = at::randn({40}).requires_grad_();
  }

  /// The output and the gradients of input, weight and bias.
  std::vector<torch::Tensor> run(const std::function<torch::Tensor(const Case&)>& work) {
    for (auto* t : {&x, &weight, &bias}) {
      if (t->defined()) t->mutable_grad() = torch::Tensor();
    }
    const auto y = work(*this);
    (y * to).sum().backward();
    std::vector<torch::Tensor> all{y, x.grad(), weight.grad()};
    if (bias.defined()) all.push_back(bias.grad());
    return all;
  }
};

torch::Tensor plain(const Case& c) { return at::linear(c.x, c.weight, c.bias); }

std::function<torch::Tensor(const Case&)> by(LinearForm form) {
  return [form](const Case& c) { return linear_by(form, c.x, c.weight, c.bias); };
}

/// Autocast to bf16 while it lives.
struct Bf16 {
  Bf16() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  }
  ~Bf16() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
};

void expect_near(const std::vector<torch::Tensor>& got, const std::vector<torch::Tensor>& want, double bound) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].sizes(), want[i].sizes());
    EXPECT_LE(relative_distance(got[i], want[i]), bound) << i;
  }
}

TEST(Linear, OneDnnIsTheSameMap) {
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{5}, {2, 7}, {2, 3, 4}}) {
    Case c(rows, rows.size() < 3);
    expect_near(c.run(by(LinearForm::onednn)), c.run(plain), 1e-6);
  }
}

// The input's parts of a fused map, and gradients of broadcast sums, do not lie in order.
TEST(Linear, OneDnnTakesStridedTensors) {
  Case c(std::vector<std::int64_t>{6, 5});
  const auto wide = at::randn({6, 5, 48});
  c.x = wide.narrow(2, 12, 24).detach().requires_grad_();
  ASSERT_FALSE(c.x.is_contiguous());
  c.to = at::randn({40}).expand({6, 5, 40});
  expect_near(c.run(by(LinearForm::onednn)), c.run(plain), 1e-6);
}

TEST(Linear, WidenedTakesTheRoundedNumbers) {
  for (const bool with_bias : {true, false}) {
    Case c(std::vector<std::int64_t>{4, 6}, with_bias);
    const auto got = c.run(by(LinearForm::widened));
    EXPECT_EQ(got[0].scalar_type(), at::kBFloat16);
    EXPECT_EQ(got[1].scalar_type(), at::kFloat);
    const auto exact = [](const torch::Tensor& t) {
      return t.defined() ? t.detach().to(at::kBFloat16).to(at::kDouble) : torch::Tensor();
    };
    const auto y = at::linear(exact(c.x), exact(c.weight), exact(c.bias));
    EXPECT_LE(relative_distance(got[0], y), 3e-3);  // half a unit of bf16
    const auto to = exact(c.to);
    EXPECT_LE(relative_distance(got[1], at::matmul(to, exact(c.weight))), 1e-6);
    EXPECT_LE(relative_distance(got[2], at::mm(to.flatten(0, 1).t(), exact(c.x).flatten(0, 1))), 1e-6);
    if (with_bias) {
      EXPECT_LE(relative_distance(got[3], to.flatten(0, 1).sum(0)), 1e-6);
    }
  }
}

TEST(Linear, WidenedIsWhatAutocastGives) {
  Case c(std::vector<std::int64_t>{4, 6});
  const auto want = c.run([](const Case& in) {
    const Bf16 guard;
    return plain(in);
  });
  const auto got = c.run([](const Case& in) {
    const Bf16 guard;
    return linear_by(LinearForm::widened, in.x, in.weight, in.bias);
  });
  expect_near(got, want, 1e-2);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].scalar_type(), want[i].scalar_type()) << i;
}

TEST(Linear, InputsInBf16GetGradientsInBf16) {
  Case c(std::vector<std::int64_t>{4, 6});
  c.x = c.x.detach().to(at::kBFloat16).requires_grad_();
  const auto got = c.run(by(LinearForm::widened));
  EXPECT_EQ(got[1].scalar_type(), at::kBFloat16);
  EXPECT_EQ(got[2].scalar_type(), at::kFloat);
}

TEST(Linear, GradientsThatNobodyAsksForAreNotComputed) {
  Case c(std::vector<std::int64_t>{3});
  c.x = c.x.detach();
  for (const auto form : {LinearForm::onednn, LinearForm::widened}) {
    const auto got = c.run(by(form));
    EXPECT_FALSE(got[1].defined());
    EXPECT_TRUE(got[2].defined());
  }
}

TEST(Linear, TheChoiceFollowsTypeAndDevice) {
  Case c(std::vector<std::int64_t>{3});
  EXPECT_EQ(linear_form(c.x.to(at::kDouble), c.weight.to(at::kDouble)), LinearForm::aten);
  EXPECT_EQ(linear_form(c.x.to(at::kMeta), c.weight.to(at::kMeta)), LinearForm::aten);
  EXPECT_EQ(linear_form(c.x.narrow(0, 0, 0), c.weight), LinearForm::aten);
  EXPECT_NE(linear_form(c.x, c.weight), LinearForm::widened);
  const Bf16 guard;
  EXPECT_NE(linear_form(c.x, c.weight), LinearForm::onednn);
}

TEST(Linear, WhateverIsChosenIsTheSameMap) {
  Case c(std::vector<std::int64_t>{5, 4});
  expect_near(c.run([](const Case& in) { return linear(in.x, in.weight, in.bias); }), c.run(plain), 1e-6);
}

}  // namespace
}  // namespace dime::test
