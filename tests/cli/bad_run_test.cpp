// SPDX-License-Identifier: Apache-2.0
// Run folders that cannot be used, disks that are full, losses that are not finite.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class BadRun : public CliTest {};

TEST_F(BadRun, AFileInTheWay) {
  folder_.write("file", "");
  expect_error(dime(train_words("file")), "run folder file is a file; name a folder with --run-dir");
  expect_error(dime(train_words("file/run")), "cannot write run folder file/run: Not a directory");
}

TEST_F(BadRun, APlaceThatCannotBeWritten) {
  expect_error(dime(train_words("/proc/dime_run")),
               "cannot write run folder /proc/dime_run: No such file or directory");
}

TEST_F(BadRun, AFolderThatExistsIsRefused) {
  train("r", {"train.steps=2"});
  const std::string before = folder_.read("r/metrics.jsonl");
  expect_error(dime(train_words("r")),
               "run folder r exists; add --resume to go on with it, or name another with --run-dir");
  EXPECT_EQ(folder_.read("r/metrics.jsonl"), before);
  train("r", {"train.steps=4", "--resume"});
  EXPECT_EQ(metrics("r").size(), 4U);
}

TEST_F(BadRun, AFullDiskLeavesTheLastGoodCheckpoint) {
  train("r", {"train.steps=2"});
  conditions_.file_bytes = 200'000;  // model.safetensors has 157 kB, optimizer.safetensors 314 kB
  const Outcome outcome = dime(train_words("r", {"train.steps=4", "--resume"}));
  expect_error(outcome,
               "cannot write the checkpoint r/checkpoints/step_0000000004: cannot write "
               "r/checkpoints/.partial_step_0000000004/optimizer.safetensors: File too large; the last good one is "
               "r/checkpoints/step_0000000002");
  EXPECT_FALSE(exists("r/checkpoints/step_0000000004"));
  EXPECT_FALSE(exists("r/checkpoints/.partial_step_0000000004"));
  conditions_.file_bytes = 0;
  train("r", {"train.steps=4", "--resume"});
  train("straight", {"train.steps=4"});
  expect_same_end("r", "straight", "step_0000000004");
}

TEST_F(BadRun, AFullDiskBeforeTheFirstCheckpoint) {
  conditions_.file_bytes = 100'000;
  expect_error(dime(train_words("r", {"train.steps=2"})),
               "cannot write the checkpoint r/checkpoints/step_0000000002: cannot write "
               "r/checkpoints/.partial_step_0000000002/model.safetensors: File too large; there is none before it");
}

TEST_F(BadRun, ALossThatIsNotFinite) {
  const Outcome outcome = dime(train_words("r", {"train.optimizer.lr=1.0e+30"}));
  expect_error(outcome, "the loss is nan at step 2; the keys of the batch are in r/failed_step_2.json");
  const auto failed = json("r/failed_step_2.json");
  EXPECT_EQ(failed.at("step"), 2);
  EXPECT_EQ(failed.at("images").size(), 32U);
  EXPECT_EQ(failed.at("texts").size(), 32U);
  EXPECT_TRUE(failed.at("images").at(0).get<std::string>().starts_with("img"));
  EXPECT_EQ(metrics("r").size(), 1U);
  EXPECT_NE(folder_.read("r/log.txt").find(" error the loss is nan at step 2"), std::string::npos);
}

TEST_F(BadRun, AGradientThatIsNotFinite) {
  const Outcome outcome = dime(train_words("r", {"losses.vl.scale=1.0e+30"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(
      lines_of(outcome.err).back(),
      testing::MatchesRegex("dime: a gradient is not finite at step 1, though the loss is [0-9.e+]+; the keys of "
                            "the batch are in r/failed_step_1.json"));
  EXPECT_EQ(json("r/failed_step_1.json").at("images").size(), 32U);
}

// What is printed must not land in the run's files, which would be given the free descriptors.
TEST_F(BadRun, WithoutStandardFiles) {
  conditions_.closed = true;
  EXPECT_EQ(dime(train_words("r", {"train.steps=2"})).status, 0);
  EXPECT_EQ(metrics("r").size(), 2U);
  conditions_.closed = false;
  train("r", {"train.steps=3", "--resume"});
}

TEST_F(BadRun, AStandardOutputThatIsFull) {
  conditions_.out = "/dev/full";
  expect_error(dime({"describe"}), "cannot write to the standard output: No space left on device");
  expect_error(dime({"check", "toy.yaml"}), "cannot write to the standard output: No space left on device");
}

TEST_F(BadRun, AFolderThatHoldsNoRunIsNotGoneOnWith) {
  folder_.write("mine/notes.txt", "mine");
  expect_error(dime(train_words("mine", {"--resume"})),
               "folder mine holds no run to go on with; leave --resume out and name a new folder with --run-dir");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "mine"), {}), 1);
}

TEST_F(BadRun, Fp16ThatFindsNoScale) {
  const Outcome outcome = dime(train_words("r", {"train.precision=fp16", "losses.vl.scale=1.0e+30", "train.steps=3"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("warning: the last update was skipped, as its gradients were not finite (loss scale "
                             "8192.000000): try bf16 or a lower learning rate\n"),
            std::string::npos)
      << outcome.err;
}

TEST_F(BadRun, NoGpu) {
  const Outcome outcome = dime(train_words("r", {"device=cuda"}));
  if (outcome.status == 0) GTEST_SKIP() << "there is a GPU";
  expect_error(
      outcome,
      "device: cuda was asked for, but no GPU answers; `dime doctor` says why, `device: auto` goes on without");
}

}  // namespace
}  // namespace dime::test
