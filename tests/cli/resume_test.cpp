// SPDX-License-Identifier: Apache-2.0
// Signals, kills and going on: the end is that of a run which nothing disturbed, byte by byte.
#include <csignal>
#include <random>
#include <thread>

#include "cli/program.hpp"

namespace dime::test {
namespace {

class Resume : public CliTest {
 protected:
  Words words(const Words& more = {}) const {
    Words all{"train.steps=400", "train.checkpoint.every=20"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void train_straight() const { train("straight", words()); }

  /// Waits until the run in r has logged `step`.
  void wait_for_step(Running& run, std::int64_t step) const {
    while (run.running() && std::int64_t(lines_of(folder_.read("r/metrics.jsonl")).size()) < step) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  /// Stops r by `number`; the run says how to go on.
  void stop_by(int number, const std::string& name) const {
    Running run(train_words("r", words()), conditions_);
    wait_for_step(run, 10);
    run.signal(number);
    const Outcome outcome = run.wait();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(lines_of(outcome.err).back(),
                testing::MatchesRegex("stopped by " + name +
                                      " at step [0-9]+; to go on: dime train toy.yaml "
                                      "train.steps=400 train.checkpoint.every=20 --run-dir r --resume"));
    EXPECT_LT(metrics("r").size(), 400U) << "the run was over before the signal";
  }
};

TEST_F(Resume, AfterSigtermIsExact) {
  stop_by(SIGTERM, "SIGTERM");
  train("r", words({"--resume"}));
  train_straight();
  expect_same_end("r", "straight", "step_0000000400");
}

TEST_F(Resume, AfterSigusr1IsExact) {
  stop_by(SIGUSR1, "SIGUSR1");
  train("r", words({"--resume"}));
  train_straight();
  expect_same_end("r", "straight", "step_0000000400");
}

TEST_F(Resume, WithoutAWholeCheckpointIsRefused) {
  train("r", {"train.steps=4"});
  for (const std::string step : {"2", "4"}) {
    std::filesystem::resize_file(folder_ / ("r/checkpoints/step_000000000" + step + "/model.safetensors"), 40);
  }
  const std::string before = folder_.read("r/metrics.jsonl");
  expect_error(dime(train_words("r", {"train.steps=8", "--resume"})),
               "every checkpoint in r/checkpoints is damaged; remove them to start from the beginning");
  EXPECT_EQ(folder_.read("r/metrics.jsonl"), before);
}

/// The step's checkpoint comes before its evaluations.
TEST_F(Resume, AfterAnEvaluationThatFailed) {
  copy_data();
  set_payload("image-0.tsv", 0, "@@@@");
  const std::string held =
      "evaluate.held={task: losses, every: 4, data: {images: {source: {type: tsv_images, list: data/image.list}, "
      "features: {type: tsv_features, list: data/image-feat.list}}}}";
  expect_error(dime(train_words("r", {held})),
               "evaluate.held: data.images of a losses task has a broken row: [dataset/tsv_images] image-0.tsv:0 img0: "
               "byte 0 is not "
               "base64: '@'");
  EXPECT_TRUE(exists("r/checkpoints/step_0000000004/state.json"));
  train("r", {"--resume"});
  train("straight");
  expect_same_end("r", "straight", "step_0000000008");
}

TEST_F(Resume, ASignalWhileTheRunIsBuiltIsHeard) {
  Running run(train_words("r", words()), conditions_);
  while (run.running() && !exists("r")) std::this_thread::sleep_for(std::chrono::microseconds(200));
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait().status, 0);
  EXPECT_TRUE(exists("r/checkpoints/step_0000000001")) << "stopped after the first step";
}

TEST_F(Resume, AfterKillsAtAnyMomentIsExact) {
  std::mt19937 random(7);
  for (int i = 0; i < 6; ++i) {
    Running run(train_words("r", words({"--resume"})), conditions_);
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + random() % 400));
    run.signal(SIGKILL);
    const Outcome outcome = run.wait();
    ASSERT_TRUE(outcome.signal == SIGKILL || outcome.status == 0) << outcome.err;
  }
  train("r", words({"--resume"}));
  train_straight();
  expect_same_end("r", "straight", "step_0000000400");
}

TEST_F(Resume, ASecondSignalLeavesAtOnce) {
  for (const int second : {SIGTERM, SIGUSR1}) {
    std::filesystem::remove_all(folder_ / "r");
    // One step of this run takes far longer than the test waits.
    Running run(train_words("r", {"models.student.image={width: 512, layers: 24, heads: 8}",
                                  "data.images.batch_size=1024", "data.texts.batch_size=1024"}),
                conditions_);
    while (run.running() && !exists("r/environment.json")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run.signal(SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run.signal(second);
    EXPECT_EQ(run.wait().signal, second);
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "r/checkpoints"));
  }
}

TEST_F(Resume, SkipsADamagedCheckpoint) {
  train("r");
  const std::string file = "r/checkpoints/step_0000000008/model.safetensors";
  std::string bytes = folder_.read(file);
  bytes[bytes.size() - 3] ^= 1;
  folder_.write(file, bytes);
  const Outcome outcome = dime(train_words("r", {"--resume"}));
  EXPECT_EQ(outcome.status, 0);
  const auto lines = lines_of(outcome.err);
  EXPECT_EQ(lines[0],
            "warning: checkpoint r/checkpoints/step_0000000008 is damaged (model.safetensors does not match its "
            "checksum): going on from the one before");
  EXPECT_EQ(lines[1], "going on from r/checkpoints/step_0000000006");
  train("straight");
  expect_same_end("r", "straight", "step_0000000008");
}

TEST_F(Resume, SkipsACheckpointWithoutState) {
  train("r");
  std::filesystem::remove(folder_ / "r/checkpoints/step_0000000008/state.json");
  train("r", {"--resume"});
  EXPECT_EQ(metrics("r").size(), 8U);
  EXPECT_TRUE(exists("r/checkpoints/step_0000000008/state.json"));
}

TEST_F(Resume, WithoutACheckpointStartsAnew) {
  const Outcome outcome = dime(train_words("r", {"--resume", "train.steps=2"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(lines_of(outcome.err)[0], "no checkpoint in r yet: starting from the beginning");
}

TEST_F(Resume, OfACompleteRunChangesNothing) {
  train("r");
  const std::string metrics_before = folder_.read("r/metrics.jsonl");
  const std::string model = folder_.read("r/checkpoints/step_0000000008/model.safetensors");
  train("r", {"--resume"});
  EXPECT_EQ(folder_.read("r/metrics.jsonl"), metrics_before);
  EXPECT_TRUE(folder_.read("r/checkpoints/step_0000000008/model.safetensors") == model);
}

TEST_F(Resume, SaysWhatChanged) {
  train("r", {"train.steps=2"});
  const Outcome outcome = dime(train_words("r", {"--resume", "train.steps=4", "seed=3", "losses.vl.weight=0.5",
                                                 "losses.pvl=null", "train.log_every=2", "train.checkpoint.keep=5"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(
      lines_of(outcome.err)[0],
      "warning: the experiment is not the one that this run began with: losses.vl.weight: 0.7 -> 0.5; "
      "losses.pvl: a map -> absent; train.steps: 2 -> 4; seed: absent -> 3; the run goes on as the file says now");
}

TEST_F(Resume, PastTheEnd) {
  train("r", {"train.steps=4"});
  const Outcome outcome = dime(train_words("r", {"--resume", "train.steps=2"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(lines_of(outcome.err)[2], "it is at step 4 of 2: nothing is left to train");
  EXPECT_EQ(metrics("r").size(), 4U);
}

TEST_F(Resume, FoldersOfTheUsersAreNoCheckpoints) {
  train("r");
  const auto checkpoints = folder_ / "r/checkpoints";
  for (const char* name : {"step_best", "step_0000000100.bak", "step_9"}) {
    std::filesystem::copy(checkpoints / "step_0000000006", checkpoints / name);
  }
  const Outcome outcome = dime(train_words("r", {"--resume", "train.steps=12"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(lines_of(outcome.err)[1], "going on from r/checkpoints/step_0000000008");
  EXPECT_TRUE(exists("r/checkpoints/step_best") && exists("r/checkpoints/step_9"));
}

TEST_F(Resume, SkipsAStateThatWasChanged) {
  train("r");
  auto state = nlohmann::ordered_json::parse(folder_.read("r/checkpoints/step_0000000008/state.json"));
  state["step"] = 7;
  folder_.write("r/checkpoints/step_0000000008/state.json", state.dump(2));
  const Outcome outcome = dime(train_words("r", {"--resume"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(lines_of(outcome.err)[0],
            "warning: checkpoint r/checkpoints/step_0000000008 is damaged (state.json does not match its checksum): "
            "going on from the one before");
  train("straight");
  expect_same_end("r", "straight", "step_0000000008");
}

/// As after a kill between a step's checkpoint and its evaluations.
TEST_F(Resume, MakesUpForAnEvaluation) {
  const std::string held =
      "evaluate.held={task: losses, every: 4, data: {images: {source: {type: tsv_images, list: \"" +
      golden_folder().string() + "/image.list\"}, features: {type: tsv_features, list: \"" + golden_folder().string() +
      "/image-feat.list\"}}}}";
  train("r", {"train.steps=4"});
  train("r", {"--resume", held});
  const auto history = json("r/results.json").at("history");
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history.at(0).at("step"), 4);
  EXPECT_EQ(history.at(1).at("step"), 8);
}

TEST_F(Resume, AnotherPrecisionHasItsOwnScale) {
  train("r", {"train.steps=2"});
  train("r", {"--resume", "train.steps=3", "train.precision=fp16"});
  EXPECT_GE(metrics("r").back().at("loss_scale"), 16384);  // 65536, but for steps that were skipped
  train("r", {"--resume", "train.steps=4"});
  EXPECT_EQ(metrics("r").back().at("loss_scale"), 1);
}

TEST_F(Resume, AnIntervalIsNeverLessThanAStep) {
  train("r", {"train.steps=3", "train.checkpoint={every: 0.001 epochs, keep: 5}"});
  EXPECT_TRUE(exists("r/checkpoints/step_0000000001") && exists("r/checkpoints/step_0000000002"));
}

TEST_F(Resume, CountsBrokenRowsOnce) {
  copy_data();
  for (std::size_t i = 0; i < 1280; i += 40) set_payload("image-0.tsv", i, "@@@@");
  const Words broken{"data.images.source.list=data/image.list", "data.images.broken_rate=0.2"};
  Words first = broken, rest = broken;
  first.push_back("train.steps=4");
  rest.insert(rest.end(), {"train.steps=12", "--resume"});
  train("r", first);
  train("r", rest);
  train("straight", {broken[0], broken[1], "train.steps=12"});
  expect_same_end("r", "straight", "step_0000000012");
  EXPECT_EQ(folder_.read("r/broken_rows.log"), folder_.read("straight/broken_rows.log"));
}

TEST_F(Resume, StopAfterOnlyStops) {
  const Outcome outcome = dime(train_words("r", words({"train.stop_after=0.01 seconds"})));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(lines_of(outcome.err).back(), testing::StartsWith("stopped by stop_after at step "));
  train("r", words({"--resume"}));
  train_straight();
  expect_same_end("r", "straight", "step_0000000400");
}

}  // namespace
}  // namespace dime::test
