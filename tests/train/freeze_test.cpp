// SPDX-License-Identifier: Apache-2.0
#include "train/freeze.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "train/checkpoint.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

/// first.weight, first.bias, norm.weight, norm.bias, bare (no parameters), last.weight, last.bias
class Toy final : public Model {
 public:
  Toy() {
    first_ = register_module("first", torch::nn::Linear(3, 3));
    norm_ = register_module("norm", torch::nn::BatchNorm1d(3));
    const auto group = register_module("group", std::make_shared<torch::nn::Module>());
    group->register_module("linear", std::make_shared<torch::nn::LinearImpl>(3, 3));
    bare_ = group->register_module(
        "bare", std::make_shared<torch::nn::BatchNorm1dImpl>(torch::nn::BatchNorm1dOptions(3).affine(false)));
  }
  ModelSpec spec() const override { return {}; }
  const torch::nn::BatchNorm1dImpl& norm() const { return *norm_; }
  const torch::nn::BatchNorm1dImpl& bare() const { return *bare_; }

  std::vector<std::string> frozen() const {
    std::vector<std::string> names;
    for (const auto& p : named_parameters()) {
      if (!p.value().requires_grad()) names.push_back(p.key());
    }
    return names;
  }

 private:
  torch::nn::Linear first_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  std::shared_ptr<torch::nn::BatchNorm1dImpl> bare_;
};

std::vector<NamePattern> patterns(const std::vector<std::string>& texts) {
  std::vector<NamePattern> all;
  for (const auto& text : texts) all.push_back({text, {}});
  return all;
}

TEST(Freeze, ByPattern) {
  Toy toy;
  freeze_parameters(toy, {}, "m");
  EXPECT_THAT(toy.frozen(), testing::IsEmpty());
  freeze_parameters(toy, patterns({"first.*", "*m.bias"}), "m");
  EXPECT_THAT(toy.frozen(), testing::ElementsAre("first.weight", "first.bias", "norm.bias"));
}

TEST(Freeze, APatternThatFitsNothing) {
  Toy toy;
  EXPECT_EQ(error_text<ConfigError>([&] {
              freeze_parameters(toy, patterns({"firts.*", "norm.*", "last"}), "m");
            }),
            "m: `freeze` has \"firts.*\", which the name of no parameter fits; the nearest is \"first.weight\"\n"
            "m: `freeze` has \"last\", which the name of no parameter fits; the nearest is \"first.bias\"");
  EXPECT_THAT(toy.frozen(), testing::IsEmpty());
  EXPECT_EQ(error_text<ConfigError>([&] { freeze_parameters(toy, patterns({"norm.running_mean"}), "m"); }),
            "m: `freeze` has \"norm.running_mean\", which the name of no parameter fits; the nearest is "
            "\"norm.weight\"");
}

TEST(Freeze, SomethingIsLeftToTrain) {
  Toy toy;
  EXPECT_EQ(error_text<ConfigError>([&] { freeze_parameters(toy, patterns({"*"}), "m"); }),
            "m: `freeze` leaves no parameter to train; take a pattern out");
}

TEST(Freeze, StatisticsOfFrozenNormalisationsKeepStill) {
  Toy toy;
  set_training(toy, true);
  EXPECT_TRUE(toy.norm().is_training() && toy.bare().is_training());
  EXPECT_EQ(batch_statistics(toy), "group.bare");
  freeze_parameters(toy, patterns({"norm.weight", "group.*"}), "m");
  set_training(toy, true);
  EXPECT_TRUE(toy.norm().is_training()) << "its bias is trained";
  EXPECT_FALSE(toy.bare().is_training()) << "all of the group is frozen";
  EXPECT_EQ(batch_statistics(toy), "norm");
  freeze_parameters(toy, patterns({"norm.bias"}), "m");
  EXPECT_EQ(batch_statistics(toy), "");
  EXPECT_TRUE(toy.is_training());
  set_training(toy, false);
  EXPECT_EQ(batch_statistics(toy), "");
  EXPECT_FALSE(toy.is_training());
}

const std::string kFreeze = "models.student.freeze=[visual.conv1.*, 'visual.transformer.resblocks.0.*']";

bool is_frozen_name(const std::string& name) {
  return name.starts_with("visual.conv1.") || name.starts_with("visual.transformer.resblocks.0.");
}

/// Trains 4 steps; the frozen parameters are as at first, the others are not.
void expect_frozen(const std::vector<std::string>& more) {
  std::vector<std::string> words{kFreeze, "train.epochs=null", "train.steps=4"};
  words.insert(words.end(), more.begin(), more.end());
  TrainingRun run(golden_file("golden_trajectory.yaml"), words);
  const auto& tensors = run.trainer().tensors();
  const auto before = by_name(tensors.model);
  run.train();
  int frozen = 0;
  for (const auto& [name, tensor] : by_name(tensors.model)) {
    EXPECT_EQ(at::equal(tensor, before.at(name)), is_frozen_name(name)) << name;
    frozen += is_frozen_name(name) ? 1 : 0;
  }
  EXPECT_EQ(frozen, 13);
  for (const auto& [name, tensor] : tensors.optimizer) {
    EXPECT_FALSE(is_frozen_name(name.substr(name.find('/') + 1))) << name;
  }
}

TEST(Freeze, TrainsTheRest) { expect_frozen({}); }
TEST(Freeze, WithMicroBatches) { expect_frozen({"train.micro_batch_size=8"}); }
TEST(Freeze, WithCheckpointing) { expect_frozen({"models.student.checkpointing=true"}); }
TEST(Freeze, InFp16) { expect_frozen({"train.precision=fp16"}); }

TEST(Freeze, CheckpointingChangesNothing) {
  std::map<std::string, torch::Tensor> end[2];
  for (const bool on : {false, true}) {
    TrainingRun run(golden_file("golden_trajectory.yaml"),
                    {kFreeze, "train.epochs=null", "train.steps=3",
                     std::string("models.student.checkpointing=") + (on ? "true" : "false")});
    run.train();
    end[on ? 1 : 0] = by_name(run.trainer().tensors().model);
  }
  for (const auto& [name, tensor] : end[0]) EXPECT_TRUE(at::equal(tensor, end[1].at(name))) << name;
}

TEST(Freeze, ResumesTheSame) {
  const ScratchFolder folder;
  const std::vector<std::string> words{kFreeze, "train.epochs=null", "train.steps=6"};
  TrainingRun whole(golden_file("golden_trajectory.yaml"), words);
  whole.train();
  /// Saves at step 3.
  class Saver final : public Hook {
   public:
    explicit Saver(const std::filesystem::path& to) : to_(to) {}
    void after_step(Trainer& trainer, const StepReport& report) override {
      if (report.step == 3) save_checkpoint(to_, trainer.state(), trainer.tensors(), 0);
    }

   private:
    const std::filesystem::path& to_;
  };
  TrainingRun first(golden_file("golden_trajectory.yaml"), words);
  const std::filesystem::path to = folder / "checkpoints";
  first.train(std::make_unique<Saver>(to));
  TrainingRun second(golden_file("golden_trajectory.yaml"), words);
  second.trainer().resume(checkpoint_path(to, 3));
  second.train();
  ASSERT_EQ(second.reports.size(), 3U);
  const auto want = by_name(whole.trainer().tensors().model);
  for (const auto& [name, tensor] : by_name(second.trainer().tensors().model)) {
    EXPECT_TRUE(at::equal(tensor, want.at(name))) << name;
  }
}

}  // namespace
}  // namespace dime::test
