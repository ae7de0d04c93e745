// SPDX-License-Identifier: Apache-2.0
// What is said before a run: taps, widths, micro-batches.
#include "train/build.hpp"

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>

#include "support/errors.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

LoadedExperiment golden(const std::vector<std::string>& overrides = {}) {
  return load_experiment(golden_file("golden_trajectory.yaml"), overrides, build_folder());
}

std::string build_error(const LoadedExperiment& loaded, const StoredWidths& stored) {
  const RunModels models = build_models(loaded);
  const Plan plan = checked_plan(loaded, models);
  std::string text = error_text<ConfigError>([&] { build_losses(loaded, plan, models, stored); });
  return text.substr(text.find("[loss"));  // its place stands before
}

TEST(BuildLosses, ImageAndTextVectorsOfTwoTeachers) {
  EXPECT_EQ(build_error(golden(), {48, 40, 0}),
            "[loss/vl] the teacher's image vectors have 48 numbers, its text vectors 40 numbers: take both from one "
            "teacher");
}

TEST(BuildLosses, SayWhereTheLossStands) {
  const RunModels models = build_models(golden());
  const LoadedExperiment loaded = golden();
  const Plan plan = checked_plan(loaded, models);
  const std::string text = error_text<ConfigError>([&] { build_losses(loaded, plan, models, {64, 64, 0}); });
  const std::string file = golden_file("golden_trajectory.yaml").string() + ":";
  EXPECT_TRUE(text.starts_with(file)) << text;
  EXPECT_TRUE(
      text.ends_with("[loss/vl] the student's vectors are 48 wide, the teacher's 64; give the student the "
                     "teacher's width"))
      << text;
}

/// Keeps statistics of the batch, frozen or not.
class Normalised final : public Model {
 public:
  explicit Normalised(bool frozen) : frozen_(frozen) { norm_ = register_module("bn", torch::nn::BatchNorm2d(3)); }
  ModelSpec spec() const override {
    ModelSpec spec;
    spec.image = ImageSpec{32};
    spec.embed_dim = 48;
    return spec;
  }
  void train(bool on = true) override {
    Model::train(on);
    if (frozen_) norm_->eval();
  }

 private:
  bool frozen_;
  torch::nn::BatchNorm2d norm_{nullptr};
};

TEST(CheckedPlan, RefusesMicroBatchesWithBatchStatistics) {
  const LoadedExperiment whole = golden(), parts = golden({"train.micro_batch_size=8"});
  RunModels models;
  models.student = std::make_shared<Normalised>(false);
  models.student->eval();
  EXPECT_NO_THROW(checked_plan(whole, models));
  const std::string text = error_text<ConfigError>([&] { checked_plan(parts, models); });
  EXPECT_TRUE(
      text.ends_with(": models.student keeps statistics of the batch (bn), which train.micro_batch_size would "
                     "take of parts and twice: leave it out, or freeze them"))
      << text;
  EXPECT_FALSE(models.student->is_training());
  models.student = std::make_shared<Normalised>(true);
  EXPECT_NO_THROW(checked_plan(parts, models));
}

TEST(CheckTrainable, RefusesAStudentThatIsFrozenByNature) {
  const Experiment e = golden().experiment;
  Normalised student(true);
  EXPECT_NO_THROW(check_trainable(e, student));
  for (auto& parameter : student.parameters()) parameter.set_requires_grad(false);
  const std::string text = error_text<ConfigError>([&] { check_trainable(e, student); });
  EXPECT_TRUE(text.ends_with(
      ": models.student has no parameter that training changes: a model of type \"clip\" is a teacher's"))
      << text;
  Experiment without = e;
  without.losses = {};
  EXPECT_NO_THROW(check_trainable(without, student));
}

}  // namespace
}  // namespace dime::test
