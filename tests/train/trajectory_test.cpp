// SPDX-License-Identifier: Apache-2.0
// A whole training run against PyTorch's (tests/golden/trajectory_vit): shards, losses, rates, final weights.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "support/tensors.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

constexpr double kLoss = 2e-5;
constexpr double kWeights = 1e-4;

void expect_relative(double got, double want, double tolerance, const std::string& what) {
  EXPECT_LE(std::abs(got - want), tolerance * std::abs(want)) << what << ": " << got << ", not " << want;
}

void compare_steps(const std::vector<StepReport>& reports) {
  std::ifstream file(golden_file("trajectory_vit/trajectory.json"));
  const auto want = nlohmann::json::parse(file).at("steps");
  ASSERT_EQ(reports.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const StepReport& got = reports[i];
    const std::string step = "step " + std::to_string(i + 1);
    EXPECT_EQ(got.step, static_cast<std::int64_t>(i) + 1);
    EXPECT_NEAR(got.lr, want[i].at("lr").get<double>(), 1e-12) << step;
    expect_relative(got.result.loss, want[i].at("total"), kLoss, step + " loss");
    ASSERT_EQ(got.result.losses.size(), 3U);
    for (const auto& [name, value] : got.result.losses)
      expect_relative(value, want[i].at(name), kLoss, step + " " + name);
  }
}

/// Two thirds of in_proj_bias are determined; the keys' third has no gradient in exact arithmetic.
torch::Tensor determined(const std::string& name, const torch::Tensor& x) {
  if (!name.ends_with("in_proj_bias")) return x;
  const auto thirds = x.chunk(3);
  return torch::cat({thirds[0], thirds[2]});
}

void compare_weights(const NamedTensors& weights) {
  const auto want = golden_tensors("trajectory_vit/student_final.safetensors");
  const auto got = by_name(weights);
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    EXPECT_LE(relative_distance(determined(name, got.at(name)), determined(name, tensor)), kWeights) << name;
  }
}

TEST(GoldenTrajectory, EveryStepAndTheLastWeights) {
  TrainingRun run(golden_file("golden_trajectory.yaml"), {});
  EXPECT_TRUE(run.train());
  compare_steps(run.reports);
  compare_weights(run.trainer().tensors().model);
  EXPECT_EQ(run.reports.back().epoch, 1.0);
  EXPECT_NEAR(run.reports.back().texts_epoch, 40.0 / 3, 1e-9);
}

// The same with 12 rows of a forward at a time.
TEST(GoldenTrajectory, MicroBatchesChangeNothing) {
  TrainingRun run(golden_file("golden_trajectory.yaml"), {"train.micro_batch_size=12"});
  EXPECT_TRUE(run.train());
  compare_steps(run.reports);
  compare_weights(run.trainer().tensors().model);
}

}  // namespace
}  // namespace dime::test
