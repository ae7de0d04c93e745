// SPDX-License-Identifier: Apache-2.0
// What the words of an experiment file change in a run.
#include <cmath>

#include "cli/program.hpp"

namespace dime::test {
namespace {

class Language : public CliTest {
 protected:
  double last_loss(const std::string& run) const { return metrics(run).back().at("loss"); }
};

TEST_F(Language, DecodeThreadsChangeNothing) {
  train("a", {"threads.decode=1"});
  train("b", {"threads.decode=4"});
  expect_same_end("a", "b", "step_0000000008");
}

TEST_F(Language, TheSeedDoes) {
  train("a");
  train("b", {"seed=1"});
  EXPECT_NE(last_loss("a"), last_loss("b"));
}

TEST_F(Language, MicroBatchesGiveTheSameUpdate) {
  train("a");
  train("b", {"train.micro_batch_size=10"});
  const auto whole = metrics("a"), parts = metrics("b");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const double a = whole[i].at("loss"), b = parts[i].at("loss");
    EXPECT_NEAR(a, b, 1e-5 * a) << "step " << i + 1;
    const double ga = whole[i].at("grad_norm"), gb = parts[i].at("grad_norm");
    EXPECT_NEAR(ga, gb, 1e-4 * ga) << "step " << i + 1;
  }
}

TEST_F(Language, HalfPrecisionsTrain) {
  train("fp32");
  for (const std::string precision : {"bf16", "fp16"}) {
    train(precision, {"train.precision=" + precision});
    const auto lines = metrics(precision);
    EXPECT_NEAR(lines[0].at("loss").get<double>(), metrics("fp32")[0].at("loss").get<double>(),
                0.05 * last_loss("fp32"));
    EXPECT_NE(lines[0].at("loss"), metrics("fp32")[0].at("loss")) << precision << " computed in fp32";
  }
  EXPECT_NEAR(last_loss("bf16"), last_loss("fp32"), 0.05 * last_loss("fp32"));
}

TEST_F(Language, Fp16SkipsAndRescales) {
  train("r", {"train.precision=fp16", "losses.vl.scale=1000"});
  const auto last = metrics("r").back();
  EXPECT_EQ(last.at("loss_scale").get<double>(), 65536.0 / std::pow(2.0, last.at("skipped").get<double>()));
}

TEST_F(Language, Overrides) {
  train("r", {"train.steps=3", "losses.pvl=null", "losses.vl.weight=1", "name=other"});
  const auto lines = metrics("r");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("losses").size(), 1U);
  EXPECT_EQ(lines[0].at("loss"), lines[0].at("losses").at("vl"));
  EXPECT_NE(folder_.read("r/experiment.yaml").find("name: other"), std::string::npos);
}

TEST_F(Language, ExtendsAndVariables) {
  folder_.write("base/common.yaml", "train: {steps: 2, log_every: 1}\n");
  folder_.write("more.yaml",
                "extends: [toy.yaml, base/common.yaml]\nname: more\nlosses: {vl: {weight: \"${env:TOY_WEIGHT}\"}}\n"
                "seed: ${train.steps}\n");
  conditions_.env["TOY_WEIGHT"] = "0.25";
  const Outcome outcome = dime({"train", "more.yaml", "--run-dir", "r"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = metrics("r");
  ASSERT_EQ(lines.size(), 2U);
  const double vl = lines[0].at("losses").at("vl"), pvl = lines[0].at("losses").at("pvl");
  EXPECT_NEAR(lines[0].at("loss").get<double>(), 0.25 * vl + 0.3 * pvl, 1e-4);
  EXPECT_EQ(json("r/checkpoints/step_0000000002/state.json").at("seed"), 2);
}

TEST_F(Language, TheRunFolderKeepsWhatAPathWasCopiedFrom) {
  folder_.write("copied.yaml",
                "extends: toy.yaml\nname: run7\ntrain: {steps: 1}\n"
                "extract: {a: {model: student, of: data.images, to: {stem: \"${name}\"}}}\n");
  ASSERT_EQ(dime({"train", "copied.yaml", "--run-dir", "r"}).status, 0);
  const std::string written = folder_.read("r/experiment.yaml");
  EXPECT_NE(written.find("\nname: run7\n"), std::string::npos) << written;
  EXPECT_NE(written.find("/run7\"\n"), std::string::npos) << written;
}

TEST_F(Language, AMixtureOfSources) {
  const std::string golden = golden_folder().string();
  const std::string source = "source: {type: tsv_images, list: \"" + golden +
                             "/image.list\"}, features: {type: tsv_features, list: \"" + golden + "/image-feat.list\"}";
  folder_.write("mix.yaml",
                "extends: toy.yaml\nname: mix\ndata: {images: {source: null, features: null, sources: [{weight: 3, " +
                    source + "}, {weight: 1, " + source + "}]}}\n");
  const Outcome checked = dime({"check", "mix.yaml"});
  EXPECT_NE(checked.out.find("data.images: 2,560 rows"), std::string::npos) << checked.err;
  ASSERT_EQ(dime({"train", "mix.yaml", "--run-dir", "a"}).status, 0);
  ASSERT_EQ(dime({"train", "mix.yaml", "--run-dir", "b", "threads.decode=3", "train.steps=4"}).status, 0);
  ASSERT_EQ(dime({"train", "mix.yaml", "--run-dir", "b", "threads.decode=3", "--resume"}).status, 0);
  expect_same_end("a", "b", "step_0000000008");
}

TEST_F(Language, AWeightThatGrows) {
  train("r", {"losses.pvl.weight={from: 0, to: 0.3, over: 4 steps}"});
  const auto lines = metrics("r");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double weight = 0.3 * std::min(static_cast<double>(i), 4.0) / 4;
    const double vl = lines[i].at("losses").at("vl"), pvl = lines[i].at("losses").at("pvl");
    EXPECT_NEAR(lines[i].at("loss").get<double>(), 0.7 * vl + weight * pvl, 1e-4) << "step " << i + 1;
  }
}

TEST_F(Language, EpochsOfTheImages) {
  train("r", {"train.steps=null", "train.epochs=1", "data.images.batch_size=256", "data.texts.batch_size=64"});
  const auto lines = metrics("r");
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines.back().at("epoch"), 1.0);
  EXPECT_NEAR(lines.back().at("texts_epoch").get<double>(), 5 * 64 / 96.0, 1e-12);
}

}  // namespace
}  // namespace dime::test
