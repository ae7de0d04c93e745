// SPDX-License-Identifier: Apache-2.0
#include "losses/golden.hpp"

#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/functional/normalization.h>

#include <fstream>

#include <dime/loss.hpp>
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

// The order of a case's temperatures.
std::size_t place_of(const std::string& loss) { return loss == "vl" ? 0 : loss == "pvl" ? 1 : 2; }

std::vector<Case> cases(const std::string& loss) {
  const auto tensors = golden_tensors("losses.safetensors");
  std::ifstream file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/losses.json");
  std::vector<Case> all;
  for (const auto& entry : nlohmann::json::parse(file)) {
    const auto key = entry.at("case").get<std::string>();
    all.push_back({loss, entry.at("temperatures")[place_of(loss)].get<double>(), entry.at(loss).get<double>(),
                   tensors.at(key + ".student"), tensors.at(key + ".teacher"), tensors.at(key + ".text"),
                   tensors.at(key + ".grad_" + loss)});
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

}  // namespace

void expect_golden_in_float64(const std::string& loss) {
  const auto all = cases(loss);
  EXPECT_EQ(all.size(), 8U);
  for (const auto& c : all) {
    const auto got = by_plugin(c, at::kDouble);
    EXPECT_NEAR(got.value, c.value, 1e-9 * std::max(1.0, std::abs(c.value)));
    EXPECT_LE(distance(got.gradient, c.gradient), 1e-9 * std::max(1.0, c.gradient.norm().item<double>()));
  }
}

void expect_golden_in_float32(const std::string& loss) {
  for (const auto& c : cases(loss)) {
    const auto got = by_plugin(c, at::kFloat);
    const auto eager = by_eager_pytorch(c);
    const double loss_bound = 2e-5 * std::abs(c.value) + 2e-7 * kScale / c.temperature;
    EXPECT_LE(std::abs(got.value - c.value), loss_bound) << c.value;
    const double bound = std::max(5e-5 * c.gradient.norm().item<double>(), 2 * distance(eager.gradient, c.gradient));
    EXPECT_LE(distance(got.gradient, c.gradient), bound) << c.value;
  }
}

}  // namespace dime::test
