// SPDX-License-Identifier: Apache-2.0
// vl, pvl and udist against values and gradients in float64 that plain PyTorch computed (tests/golden/losses.*).
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/functional/normalization.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "support/plugins.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

namespace F = torch::nn::functional;

constexpr double kScale = 100;

struct Case {
  std::string loss;
  double temperature;
  double value;
  torch::Tensor student, teacher, text, gradient;
};

std::vector<Case> cases() {
  const auto tensors = golden_tensors("losses.safetensors");
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/losses.json");
  std::vector<Case> all;
  for (const auto& entry : nlohmann::json::parse(file)) {
    const auto key = entry.at("case").get<std::string>();
    const std::vector<std::string> names{"vl", "pvl", "udist"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      all.push_back({names[i], entry.at("temperatures")[i].get<double>(), entry.at(names[i]).get<double>(),
                     tensors.at(key + ".student"), tensors.at(key + ".teacher"), tensors.at(key + ".text"),
                     tensors.at(key + ".grad_" + names[i])});
    }
  }
  return all;
}

struct Result {
  double value;
  torch::Tensor gradient;
};

Result differentiate(const torch::Tensor& loss, const torch::Tensor& student) {
  return {loss.item<double>(), torch::autograd::grad({loss}, {student})[0]};
}

Result by_plugin(const Case& c, at::ScalarType type) {
  const auto loss = make_loss(c.loss, options({{"temperature", c10::str(c.temperature)}}));
  LossInput in;
  in.student.image = c.student.to(type, false, true).requires_grad_();
  in.student.text = c.text.to(type);
  in.teacher.image = c.teacher.to(type);
  in.teacher.text = c.text.to(type);
  return differentiate(loss->forward(in), in.student.image);
}

// The same in float32 by PyTorch's own functions: what an ordinary implementation attains.
Result by_eager_pytorch(const Case& c) {
  const auto unit = [](const torch::Tensor& x) { return F::normalize(x, F::NormalizeFuncOptions().dim(1)); };
  const auto kl = [&](const torch::Tensor& teacher, const torch::Tensor& student) {
    return F::kl_div((student / c.temperature).log_softmax(1), (teacher / c.temperature).log_softmax(1),
                     F::KLDivFuncOptions().reduction(torch::kBatchMean).log_target(true));
  };
  const auto student = c.student.detach().clone().requires_grad_();
  const auto v = unit(student), image = unit(c.teacher), text = unit(c.text);
  torch::Tensor loss;
  if (c.loss == "vl") {
    loss = kl(kScale * image.mm(text.t()), kScale * v.mm(text.t())) +
           kl(kScale * text.mm(image.t()), kScale * text.mm(v.t()));
  } else {
    loss = 2 * kl(kScale * image.mm(image.t()), kScale * v.mm((c.loss == "pvl" ? image : v).t()));
  }
  return differentiate(loss, student);
}

TEST(GoldenLosses, ThereAreEightCasesOfThreeLosses) { EXPECT_EQ(cases().size(), 24U); }

TEST(GoldenLosses, Float64) {
  for (const auto& c : cases()) {
    const auto got = by_plugin(c, at::kDouble);
    EXPECT_NEAR(got.value, c.value, 1e-9 * std::max(1.0, std::abs(c.value))) << c.loss;
    EXPECT_LE(distance(got.gradient, c.gradient), 1e-9 * std::max(1.0, c.gradient.norm().item<double>())) << c.loss;
  }
}

TEST(GoldenLosses, Float32) {
  for (const auto& c : cases()) {
    const auto got = by_plugin(c, at::kFloat);
    const auto eager = by_eager_pytorch(c);
    const double loss_bound = 2e-5 * std::abs(c.value) + 2e-7 * kScale / c.temperature;
    EXPECT_LE(std::abs(got.value - c.value), loss_bound) << c.loss << " " << c.value;
    const double bound = std::max(5e-5 * c.gradient.norm().item<double>(), 2 * distance(eager.gradient, c.gradient));
    EXPECT_LE(distance(got.gradient, c.gradient), bound) << c.loss << " " << c.value;
  }
}

}  // namespace
}  // namespace dime::test
