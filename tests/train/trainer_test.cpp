// SPDX-License-Identifier: Apache-2.0
// The loop: resuming, stopping, broken rows, losses that are not finite.
#include "train/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "train/hooks.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

namespace fs = std::filesystem;

/// Checkpoints after `step`, and stops there by a signal.
class StopAt final : public Hook {
 public:
  StopAt(std::int64_t step, int signal = SIGTERM) : step_(step), signal_(signal) {}
  void after_step(Trainer&, const StepReport& report) override {
    if (report.step == step_) std::raise(signal_);
  }

 private:
  std::int64_t step_;
  int signal_;
};

/// Shuffled streams whose lengths do not divide, flips, and a projector of the loss.
const std::vector<std::string> kHarder{
    "data.images.shuffle=true",
    "data.texts.shuffle=true",
    "data.images.batch_size=36",
    "data.texts.batch_size=20",
    "data.images.transform=[{type: horizontal_flip}, {type: normalize, preset: clip}]",
    "models.student.image.drop_path=0.1",
    "train.epochs=null",
    "train.steps=9"};

std::vector<std::string> harder(std::vector<std::string> more = {}) {
  std::vector<std::string> all = kHarder;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void expect_identical(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
  }
}

void expect_resumed_run_is_identical(const std::vector<std::string>& overrides) {
  const ScratchFolder scratch;
  const auto file = golden_file("golden_trajectory.yaml");
  TrainingRun whole(file, overrides);
  EXPECT_TRUE(whole.train());
  {
    TrainingRun first(file, overrides);
    EXPECT_FALSE(first.train(std::make_unique<StopAt>(4)));
    EXPECT_EQ(first.trainer().stopped_by(), "SIGTERM");
    EXPECT_EQ(first.reports.size(), 4U);
    save_checkpoint(scratch.path(), first.trainer().state(), first.trainer().tensors(), 0);
  }
  TrainingRun second(file, overrides);
  second.trainer().resume(checkpoint_path(scratch.path(), 4));
  EXPECT_TRUE(second.train());
  ASSERT_EQ(second.reports.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(second.reports[i].step, whole.reports[i + 4].step);
    EXPECT_EQ(second.reports[i].lr, whole.reports[i + 4].lr);
    EXPECT_EQ(second.reports[i].result.loss, whole.reports[i + 4].result.loss);
    EXPECT_EQ(second.reports[i].texts_epoch, whole.reports[i + 4].texts_epoch);
  }
  expect_identical(whole.trainer().tensors().model, second.trainer().tensors().model);
  expect_identical(whole.trainer().tensors().losses, second.trainer().tensors().losses);
  expect_identical(whole.trainer().tensors().optimizer, second.trainer().tensors().optimizer);
}

TEST(Trainer, AResumedRunEndsBitIdentical) { expect_resumed_run_is_identical(harder()); }

TEST(Trainer, AResumedRunOfALossWithParametersEndsBitIdentical) {
  expect_resumed_run_is_identical(
      harder({"models.student.init=null", "models.student.embed_dim=40",
              "losses={vl: null, pvl: null, udist: null, fd: {type: fd}}", "train.precision=bf16"}));
}

TEST(Trainer, ThreadsOfTheLoaderChangeNothing) {
  TrainingRun one(golden_file("golden_trajectory.yaml"), harder({"threads.decode=1"}));
  TrainingRun three(golden_file("golden_trajectory.yaml"), harder({"threads.decode=3"}));
  one.train();
  three.train();
  expect_identical(one.trainer().tensors().model, three.trainer().tensors().model);
}

TEST(Trainer, TheSeedChangesTheOrder) {
  TrainingRun one(golden_file("golden_trajectory.yaml"), harder({"train.steps=1"}));
  TrainingRun other(golden_file("golden_trajectory.yaml"), harder({"train.steps=1", "seed=7"}));
  one.train();
  other.train();
  EXPECT_NE(one.reports[0].result.loss, other.reports[0].result.loss);
}

TEST(Trainer, EpochsAreThoseOfTheImages) {
  TrainingRun run(golden_file("golden_trajectory.yaml"), harder());
  EXPECT_EQ(run.trainer().epoch(), 35);  // 1280 / 36
  run.train();
  EXPECT_NEAR(run.reports[8].epoch, 9.0 / 35, 1e-12);
  EXPECT_NEAR(run.reports[8].texts_epoch, 9 * 20.0 / 96, 1e-12);
  EXPECT_EQ(run.reports[8].rows, 9 * 36);
}

TEST(Trainer, StopsAfterATime) {
  TrainingRun run(golden_file("golden_trajectory.yaml"), {"train.stop_after=0.000001 seconds"});
  EXPECT_FALSE(run.train());
  EXPECT_EQ(run.reports.size(), 1U);
  EXPECT_EQ(run.trainer().stopped_by(), "stop_after");
}

TEST(Trainer, StopsByEitherSignal) {
  TrainingRun run(golden_file("golden_trajectory.yaml"), {});
  EXPECT_FALSE(run.train(std::make_unique<StopAt>(2, SIGUSR1)));
  EXPECT_EQ(run.reports.size(), 2U);
  EXPECT_EQ(run.trainer().stopped_by(), "SIGUSR1");
}

TEST(TrainerDeathTest, ASecondSignalOfTheOtherKindLeavesAtOnce) {
  EXPECT_EXIT(
      {
        const auto raise_two = [] {
          std::raise(SIGTERM);
          std::raise(SIGUSR1);
        };
        TrainingRun run(golden_file("golden_trajectory.yaml"), {});
        class Two final : public Hook {
         public:
          explicit Two(std::function<void()> work) : work_(std::move(work)) {}
          void after_step(Trainer&, const StepReport&) override { work_(); }

         private:
          std::function<void()> work_;
        };
        run.train(std::make_unique<Two>(raise_two));
      },
      testing::KilledBySignal(SIGUSR1), "");
}

TEST(Trainer, ANonFiniteLossStopsAndTheKeysAreKept) {
  const ScratchFolder scratch;
  TrainingRun run(golden_file("golden_trajectory.yaml"), {"train.optimizer.lr=1.0e30"});
  const auto before = by_name(run.trainer().tensors().model);
  const std::string message = error_text<TrainError>([&] {
    run.train(std::make_unique<LogHook>(RunPaths{scratch.path()}, make_log({scratch / "log.txt", true, false}), 1, 40,
                                        std::nullopt));
  });
  EXPECT_EQ(message,
            "the loss is nan at step 2; the keys of the batch are in " + (scratch / "failed_step_2.json").string());
  std::ifstream file(scratch / "failed_step_2.json");
  const auto json = nlohmann::json::parse(file);
  EXPECT_EQ(json.at("step"), 2);
  EXPECT_EQ(json.at("why"), "the loss is nan at step 2");
  ASSERT_EQ(json.at("images").size(), 32U);
  EXPECT_EQ(json.at("images")[0], "img32");
  EXPECT_EQ(json.at("texts")[0], "txt32");
  EXPECT_FALSE(json.contains("pairs"));
}

/// A copy of the golden experiment and its files.
fs::path copied_golden(const ScratchFolder& scratch) {
  fs::create_directories(scratch / "golden");
  fs::copy(golden_file("trajectory_vit"), scratch / "golden/trajectory_vit");
  fs::copy(golden_file("golden_trajectory.yaml"), scratch / "golden/golden_trajectory.yaml");
  return scratch / "golden/golden_trajectory.yaml";
}

/// A copy in which some images do not decode.
fs::path with_broken_images(const ScratchFolder& scratch, int every) {
  fs::path file = copied_golden(scratch);
  std::ifstream from(golden_file("trajectory_vit/image-0.tsv"));
  std::string shard;
  int row = 0;
  for (std::string line; std::getline(from, line); ++row) {
    shard += row % every == every - 1 ? line.substr(0, line.find('\t')) + "\tbm8gaW1hZ2U=" : line;
    shard += '\n';
  }
  scratch.write("golden/trajectory_vit/image-0.tsv", shard);
  fs::remove(scratch / "golden/trajectory_vit/image-0.lineidx");
  return file;
}

TEST(Trainer, BrokenRowsAreReplacedAndCounted) {
  const ScratchFolder scratch;
  TrainingRun run(with_broken_images(scratch, 160), {"data.images.broken_rate=0.02", "train.epochs=1"});
  EXPECT_TRUE(run.train());
  std::size_t broken = 0;
  for (const auto& report : run.reports) {
    for (const auto& row : report.broken) {
      EXPECT_EQ(row.stream, "images");
      EXPECT_TRUE(row.replacement.starts_with("img"));
      broken += row.retry == 0 ? 1 : 0;
    }
  }
  EXPECT_GE(broken, 8U);
  EXPECT_EQ(run.trainer().state().broken_rows, static_cast<std::int64_t>(broken));
  EXPECT_EQ(run.trainer().state().rows_seen, 40 * 64);
  ASSERT_FALSE(run.reports[4].broken.empty());
  EXPECT_EQ(run.reports[4].broken[0].reason, "image-0.tsv:159 img159: not a JPEG, PNG, WebP, BMP or GIF image");
}

/// Below a hundred rows a rate says little: it is judged at the end, and one row is let pass.
TEST(Trainer, AShortRunIsJudgedAtItsEnd) {
  const ScratchFolder scratch;
  const auto file = with_broken_images(scratch, 20);
  const std::vector<std::string> two{"train.epochs=null", "train.steps=2", "data.images.shuffle=false"};
  TrainingRun run(file, two);
  EXPECT_EQ(
      error_text<TrainError>([&] { run.train(); }),
      "data.images: 3 of 64 rows are broken, more than its broken_rate of 0.01; broken_rows.log in the run folder "
      "lists them, the last: image-0.tsv:59 img59: not a JPEG, PNG, WebP, BMP or GIF image");
  EXPECT_EQ(run.reports.size(), 2U);
  TrainingRun one(file, {"train.epochs=null", "train.steps=1", "data.images.shuffle=false"});
  EXPECT_TRUE(one.train());
  EXPECT_EQ(one.trainer().state().broken_rows, 1);
}

TEST(Trainer, AStepThatAPluginEndsKeepsTheKeys) {
  const ScratchFolder scratch;
  TrainingRun run(golden_file("golden_trajectory.yaml"), {});
  {
    const torch::NoGradGuard guard;
    run.models().student->named_parameters()["visual.proj"].zero_();
  }
  EXPECT_EQ(
      error_text<TrainError>([&] {
        run.train(std::make_unique<LogHook>(RunPaths{scratch.path()}, make_log({scratch / "log.txt", true, false}), 1,
                                            40, std::nullopt));
      }),
      "step 1: losses.vl: [loss/vl] row 0 of the student's image vectors is all zeros: it has no direction; the keys "
      "of the batch are in " +
          (scratch / "failed_step_1.json").string());
}

TEST(Trainer, TooManyBrokenRowsStopTheRun) {
  const ScratchFolder scratch;
  TrainingRun run(with_broken_images(scratch, 10), {});
  const std::string message = error_text<TrainError>([&] { run.train(); });
  EXPECT_EQ(
      message,
      "data.images: 12 of 128 rows are broken, more than its broken_rate of 0.01; broken_rows.log in the run folder "
      "lists them, the last: image-0.tsv:119 img119: not a JPEG, PNG, WebP, BMP or GIF image");
}

TEST(Trainer, ATrainerNeedsAStudentAndLosses) {
  const auto file = golden_file("golden_trajectory.yaml");
  EXPECT_EQ(error_text<ConfigError>([&] { TrainingRun run(file, {"losses=null"}); }),
            file.string() + ": training needs at least one entry in losses");
}

TEST(Trainer, FdTeachesTheStudentsTextTowerToo) {
  TrainingRun run(golden_file("golden_trajectory.yaml"),
                  {"models.student.init=null",
                   "models.student.text={width: 64, layers: 1, heads: 1, context: 16, vocabulary: "
                   "49408}",
                   "losses={vl: null, pvl: null, udist: null, fd: {type: fd}}", "train.epochs=null", "train.steps=1"});
  EXPECT_TRUE(run.train());
  bool moved = false;
  for (const auto& [name, tensor] : run.trainer().tensors().optimizer) {
    if (name == "exp_avg/text_projection") moved = tensor.abs().max().item<float>() > 0;
  }
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace dime::test
