// SPDX-License-Identifier: Apache-2.0
// dime bench loader, loss and step.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class Bench : public CliTest {
 protected:
  /// The keys of an object, in order.
  static Words keys(const nlohmann::ordered_json& object) {
    Words names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  }
  /// `dime bench loader toy.yaml --json` with more words, parsed; fails the test when it fails.
  nlohmann::ordered_json loader(const Words& more) const {
    Words words{"bench", "loader", "toy.yaml", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = dime(words);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    return nlohmann::ordered_json::parse(outcome.out, nullptr, false);
  }

  const Words no_models_{"models=null", "losses=null"};
};

TEST_F(Bench, LoaderSaysWhereTheTimeGoes) {
  const auto json = loader({"--threads", "2", "--batches", "5"});
  EXPECT_EQ(keys(json), (Words{"stream", "threads", "batch_size", "batches", "rows", "broken_rows", "seconds",
                               "rows_per_second", "images_per_second", "peak_memory_mib", "stages"}));
  EXPECT_EQ(json["stream"], "images");
  EXPECT_EQ(json["threads"], 2);
  EXPECT_EQ(json["batch_size"], 32);
  EXPECT_EQ(json["batches"], 5);
  EXPECT_EQ(json["rows"], 160);
  EXPECT_EQ(json["broken_rows"], 0);
  EXPECT_NEAR(json["images_per_second"].get<double>() * json["seconds"].get<double>(), 160, 1e-6);
  EXPECT_EQ(json["images_per_second"], json["rows_per_second"]);
  EXPECT_GT(json["peak_memory_mib"], 10);
  EXPECT_EQ(keys(json["stages"]), (Words{"read", "decode", "resize", "normalise", "tokenise", "other", "wait"}));
  double shares = 0;
  for (const auto& [name, stage] : json["stages"].items()) {
    EXPECT_EQ(keys(stage), (Words{"microseconds", "share"}));
    EXPECT_GE(stage["share"], 0) << name;
    shares += stage["share"].get<double>();
  }
  EXPECT_GT(json["stages"]["read"]["microseconds"], 0);
  EXPECT_GT(json["stages"]["decode"]["microseconds"], 0);
  EXPECT_EQ(json["stages"]["tokenise"]["microseconds"], 0);
  EXPECT_GE(shares, 0.999);
}

TEST_F(Bench, LoaderPrintsATable) {
  const Outcome outcome = dime({"bench", "loader", "toy.yaml", "--batches", "3"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 10U) << outcome.out;
  EXPECT_THAT(lines[0],
              testing::MatchesRegex("data.images: [0-9,]+ images a second on 1 thread; 96 rows \\(0 broken\\) "
                                    "in 3 batches of 32, [0-9.]+ s; at most [0-9,]+ MiB"));
  EXPECT_THAT(lines[1], testing::MatchesRegex("stage +us a row +share"));
  EXPECT_THAT(lines[3], testing::MatchesRegex("read +[0-9.]+ +[0-9.]+ %"));
  EXPECT_THAT(lines[9], testing::MatchesRegex("wait +[0-9.]+ +[0-9.]+ %"));
}

TEST_F(Bench, LoaderNeedsNoModels) {
  Words words = no_models_;
  words.insert(words.end(), {"--batches", "1"});
  EXPECT_EQ(loader(words)["rows"], 32);
  words.push_back("data.images.transform=[{type: horizontal_flip}]");
  Words command{"bench", "loader", "toy.yaml"};
  command.insert(command.end(), words.begin(), words.end());
  expect_error(dime(command),
               "data.images: nothing tells the size of its images: end `transform` with a crop, or give a model");
}

TEST_F(Bench, LoaderReadsNoWeights) {
  EXPECT_EQ(loader({"--batches", "1", "models.student.init=none.safetensors"})["rows"], 32);
}

TEST_F(Bench, LoaderOfFeaturesAlone) {
  Words words = no_models_;
  words.insert(words.end(), {"data.images.source=null", "--seconds", "0.01"});
  const auto json = loader(words);
  EXPECT_GT(json["rows_per_second"], 0);
  EXPECT_FALSE(json.contains("images_per_second"));
  EXPECT_GE(json["seconds"], 0.01);
}

TEST_F(Bench, LoaderOfTexts) {
  Words words = no_models_;
  words.insert(words.end(), {"--stream", "texts", "--batches", "2"});
  const auto json = loader(words);
  EXPECT_EQ(json["stream"], "texts");
  EXPECT_GT(json["stages"]["tokenise"]["microseconds"], 0);
  EXPECT_EQ(loader({"--stream", "texts", "--batches", "2"})["stages"]["tokenise"]["microseconds"], 0)
      << "the toy's training reads stored vectors";
}

TEST_F(Bench, LoaderOfAStreamThatIsNotThere) {
  expect_error(dime({"bench", "loader", "toy.yaml", "--stream", "pairs"}),
               "toy.yaml: there is no data.pairs; there are: images, texts (choose with --stream)");
  expect_error(dime({"bench", "loader", "toy.yaml", "data=null", "losses=null"}),
               "toy.yaml: there is no data.images, nor any other stream");
}

TEST_F(Bench, LoaderCountsBrokenRows) {
  copy_data();
  set_payload("image-0.tsv", 3, "AAAA");
  const auto json = loader({"data.images.source.list=data/image.list", "data.images.shuffle=false", "--batches", "40"});
  EXPECT_EQ(json["broken_rows"], 1);
}

TEST_F(Bench, WrongWords) {
  const auto refusal = [&](const Words& more) {
    Words words{"bench", "loader", "toy.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = dime(words);
    EXPECT_EQ(outcome.status, 2);
    return outcome.err;
  };
  const std::string help = "; see `dime bench loader --help`\n";
  EXPECT_EQ(refusal({"--stream", "image"}), "dime: --stream: takes images, texts or pairs, got \"image\"" + help);
  EXPECT_EQ(refusal({"--seconds", "-1"}), "dime: --seconds: takes a number of seconds above 0, got \"-1\"" + help);
  EXPECT_EQ(refusal({"--threads", "5000"}),
            "dime: --threads: takes a whole number from 1 to 4096, got \"5000\"" + help);
  EXPECT_EQ(refusal({"--batches", "0"}), "dime: --batches: takes a whole number of at least 1, got \"0\"" + help);
  EXPECT_EQ(refusal({"--batches", "1", "--seconds", "1"}), "dime: --batches excludes --seconds" + help);
  EXPECT_EQ(refusal({"images"}), "dime: \"images\" is no override: write it as key.path=value" + help);
}

TEST_F(Bench, StepSaysWhereTheTimeGoes) {
  for (const bool with_data : {true, false}) {
    Words words{"bench", "step", "toy.yaml", "--steps", "2", "--batch", "5", "--threads", "1", "--json"};
    if (!with_data) words.insert(words.end(), {"data=null", "train.steps=null", "train.precision=bf16"});
    const Outcome outcome = dime(words);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto json = nlohmann::ordered_json::parse(outcome.out, nullptr, false);
    EXPECT_EQ(keys(json), (Words{"batch", "steps", "threads", "device", "precision", "train_images_per_second",
                                 "inference_images_per_second", "step_seconds"}));
    EXPECT_EQ(json["batch"], 5);
    EXPECT_EQ(json["steps"], 2);
    EXPECT_EQ(json["threads"], 1);
    EXPECT_EQ(json["precision"], with_data ? "fp32" : "bf16");
    EXPECT_GT(json["inference_images_per_second"], 0);
    const auto& seconds = json["step_seconds"];
    EXPECT_EQ(keys(seconds), (Words{"encode", "losses", "backward", "optimizer", "whole"}));
    double parts = 0;
    for (const std::string part : {"encode", "losses", "backward", "optimizer"}) {
      EXPECT_GT(seconds[part], 0) << part;
      parts += seconds[part].get<double>();
    }
    EXPECT_LE(parts, seconds["whole"].get<double>());
    EXPECT_NEAR(json["train_images_per_second"].get<double>() * seconds["whole"].get<double>(), 5, 1e-6);
  }
}

TEST_F(Bench, StepPrintsATable) {
  const Outcome outcome = dime({"bench", "step", "toy.yaml", "--steps", "1"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 8U) << outcome.out;
  EXPECT_THAT(lines[0],
              testing::MatchesRegex("batches of 32 on cpu, 1 thread, fp32, 1 step: [0-9.]+ images a second in "
                                    "training, [0-9.]+ in inference"));
  EXPECT_THAT(lines[1], testing::MatchesRegex("part +seconds a step +share"));
  EXPECT_THAT(lines[3], testing::MatchesRegex("encode +[0-9.]+ +[0-9.]+ %"));
  EXPECT_THAT(lines[7], testing::MatchesRegex("other +-?[0-9.]+ +-?[0-9.]+ %"));
}

// A teacher that runs and a tower for texts of the student's own are measured too.
TEST_F(Bench, StepOfATeacherAndPairs) {
  const std::string text = "{width: 16, layers: 1, heads: 2, context: 12, vocabulary: 49408}";
  const std::string image = "{image_size: 32, patch_size: 16, width: 16, layers: 1, heads: 2}";
  const Outcome outcome =
      dime({"bench", "step", "toy.yaml", "--steps", "1", "--batch", "4", "--json", "data=null",
            "models.teacher={type: clip, embed_dim: 48, image: " + image + ", text: " + text + "}",
            "models.student.text=" + text, "losses={crd: {type: crd, on: pairs}, pvl: {type: pvl}}"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(Bench, StepNeedsAStudentAndLosses) {
  expect_error(dime({"bench", "step", "toy.yaml", "data=null", "losses=null"}),
               "toy.yaml: bench step needs at least one entry in losses");
  expect_error(dime({"bench", "step", "toy.yaml", "data=null", "losses=null", "models=null"}),
               "toy.yaml: bench step needs models.student");
  const Outcome outcome = dime({"bench", "step", "toy.yaml", "--batch", "0"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "dime: --batch: takes a whole number of at least 1, got \"0\"; see `dime bench step --help`\n");
}

TEST_F(Bench, LossMeasuresTimeAndMemory) {
  const Outcome outcome = dime({"bench", "loss", "--images", "70", "--texts", "90", "--dim", "48", "--terms",
                                "vl,pvl,udist", "--products", "bf16", "--threads", "2", "--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::ordered_json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(keys(json), (Words{"images", "texts", "dim", "terms", "device", "threads", "separate", "repeats", "seconds",
                               "extra_mib", "products"}));
  EXPECT_EQ(json["terms"], (Words{"vl", "pvl", "udist"}));
  EXPECT_EQ(json["texts"], 90);
  EXPECT_EQ(json["threads"], 2);
  EXPECT_GT(json["seconds"], 0);
  EXPECT_LT(json["extra_mib"], 128);
}

TEST_F(Bench, LossSaysWhatItMeasured) {
  const Outcome outcome = dime({"bench", "loss", "--images", "64", "--terms", "crd", "--form", "direct"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::MatchesRegex("crd: 64 images x 64 texts x 768, forward and backward on cpu, [0-9]+ "
                                                 "threads?: [0-9.]+ s, at most [0-9]+ MiB beside the vectors\n"));
}

TEST_F(Bench, LossCountsWhatProcessesSend) {
  const Outcome outcome = dime({"bench", "loss", "--images", "70", "--texts", "90", "--dim", "16", "--terms",
                                "vl,udist", "--ranks", "3", "--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::ordered_json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(json["ranks"], 3);
  // At least its own part of both sides, at most a few times all vectors.
  EXPECT_GT(json["sent_bytes"], (23 + 30) * 16 * 4);
  EXPECT_LT(json["sent_bytes"], 4 * (70 + 90) * 16 * 4);
}

TEST_F(Bench, WrongLosses) {
  expect_error(dime({"bench", "loss", "--terms", "fd", "--ranks", "2"}),
               "bench loss: --ranks is for losses that work on a process's own rows; fd takes the whole batch");
  expect_error(dime({"bench", "loss", "--images", "8", "--texts", "9", "--terms", "crd"}),
               "bench loss: a term works on pairs: give as many texts as images");
  expect_error(dime({"bench", "loss", "--images", "8", "--terms", "vl", "--products", "fp8"}),
               "[loss/vl] option \"products\" of loss \"vl\" takes one of fp32, bf16, got \"fp8\"");
}

}  // namespace
}  // namespace dime::test
