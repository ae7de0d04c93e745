// SPDX-License-Identifier: Apache-2.0
// What a run writes.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class RunFolderOf : public CliTest {
 protected:
  const std::string held_ =
      "evaluate.held={task: losses, every: 4, data: {images: {source: {type: tsv_images, list: \"" +
      golden_folder().string() + "/image.list\"}, features: {type: tsv_features, list: \"" + golden_folder().string() +
      "/image-feat.list\"}, batch_size: 320}}}";
};

TEST_F(RunFolderOf, HoldsEveryFile) {
  train("r", {held_});
  for (const char* name :
       {"experiment.yaml", "environment.json", "log.txt", "metrics.jsonl", "tensorboard", "results.json",
        "checkpoints/step_0000000008/model.safetensors", "checkpoints/step_0000000008/optimizer.safetensors",
        "checkpoints/step_0000000008/state.json", "checkpoints/step_0000000006"}) {
    EXPECT_TRUE(exists(std::string("r/") + name)) << name;
  }
  EXPECT_FALSE(exists("r/checkpoints/step_0000000004")) << "keep: 2";
  EXPECT_FALSE(exists("r/broken_rows.log"));
  const auto state = json("r/checkpoints/step_0000000008/state.json");
  EXPECT_EQ(state.at("version"), 1);
  EXPECT_EQ(state.at("step"), 8);
  EXPECT_EQ(state.at("compute_threads"), 1);
  EXPECT_EQ(state.at("checksums").size(), 2U);
}

TEST_F(RunFolderOf, MetricsHaveTheirPublishedKeys) {
  train("r");
  const auto lines = lines_of(folder_.read("r/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 8U);
  const auto first = nlohmann::ordered_json::parse(lines[0]);
  Words keys;
  for (const auto& [key, value] : first.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("step", "epoch", "texts_epoch", "lr", "loss", "losses", "grad_norm",
                                         "loss_scale", "skipped", "broken_rows", "images_per_second", "data_seconds",
                                         "step_seconds", "memory_mib"));
  EXPECT_EQ(first["step"], 1);
  EXPECT_EQ(first["epoch"], 1.0 / 40);
  EXPECT_NEAR(first["texts_epoch"].get<double>(), 1.0 / 3, 1e-12);
  EXPECT_EQ(first["lr"], 1e-3);
  const double vl = first["losses"]["vl"], pvl = first["losses"]["pvl"];
  EXPECT_NEAR(first["loss"].get<double>(), 0.7 * vl + 0.3 * pvl, 1e-4);
  EXPECT_GT(first["images_per_second"].get<double>(), 0);
}

TEST_F(RunFolderOf, LogEvery) {
  train("r", {"train.log_every=3"});
  std::vector<int> steps;
  for (const auto& line : metrics("r")) steps.push_back(line.at("step"));
  EXPECT_THAT(steps, testing::ElementsAre(1, 3, 6, 8));
}

TEST_F(RunFolderOf, ResultsOfEveryEvaluation) {
  train("r", {held_});
  const auto results = json("r/results.json");
  EXPECT_EQ(results.at("name"), "toy");
  const auto& held = results.at("evaluate").at("held");
  EXPECT_EQ(held.at("step"), 8);
  EXPECT_EQ(held.at("student").at("parameters"), 39136);
  EXPECT_EQ(held.at("student").at("samples"), 1280);
  EXPECT_TRUE(held.at("student").at("losses").contains("pvl"));
  ASSERT_EQ(results.at("history").size(), 2U);
  EXPECT_EQ(results.at("history").at(0).at("step"), 4);
}

TEST_F(RunFolderOf, EnvironmentNamesWhatRan) {
  train("r");
  const auto text = folder_.read("r/environment.json");
  for (const char* part : {"vl", "pvl", "tsv_images", "tsv_features", "--run-dir"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST_F(RunFolderOf, ExperimentRunsFromAnotherFolder) {
  copy_data();
  folder_.write(
      "relative.yaml",
      "extends: toy.yaml\nname: relative\ndata: {images: {source: {type: tsv_images, list: data/image.list}}}\n");
  conditions_.env["TOY_LR"] = "2.0e-3";
  ASSERT_EQ(
      dime({"train", "relative.yaml", "train.steps=3", "train.optimizer.lr=${env:TOY_LR}", "--run-dir", "a"}).status,
      0);
  std::filesystem::create_directories(folder_ / "elsewhere");
  conditions_.env.clear();
  conditions_.folder = folder_ / "elsewhere";
  const Outcome again = dime({"train", "../a/experiment.yaml", "--run-dir", "../b"});
  ASSERT_EQ(again.status, 0) << again.err;
  expect_same_end("a", "b", "step_0000000003");
  EXPECT_EQ(metrics("b").back().at("lr"), 2e-3);
}

TEST_F(RunFolderOf, LiesUnderRunsByDefault) {
  ASSERT_EQ(dime({"train", "toy.yaml", "train.steps=1"}).status, 0);
  EXPECT_TRUE(exists("runs/toy/metrics.jsonl"));
}

TEST_F(RunFolderOf, StandardErrorHasPlainLines) {
  const Outcome outcome = dime(train_words("r"));
  const auto lines = lines_of(outcome.err);
  ASSERT_EQ(lines.size(), 5U) << outcome.err;
  EXPECT_EQ(lines[0], "toy: 8 steps, student of 39136 parameters, cpu, fp32, run folder r");
  EXPECT_THAT(lines[1], testing::StartsWith("step 1/8  loss "));
  EXPECT_THAT(lines[2], testing::StartsWith("step 8/8  loss "));
  EXPECT_THAT(lines[3], testing::StartsWith("time: "));
  EXPECT_EQ(lines[4], "done: r");
}

}  // namespace
}  // namespace dime::test
