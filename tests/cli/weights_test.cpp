// SPDX-License-Identifier: Apache-2.0
// Weights from files, checkpoints and run folders; and those that do not fit.
#include <numeric>

#include "cli/program.hpp"
#include "io/safetensors.hpp"

namespace dime::test {
namespace {

const char* const kRemedy = "; `init: {path, skip, allow_missing}` names what may differ";

class Weights : public CliTest {
 protected:
  Weights() {
    const Outcome outcome = dime(train_words("r", {"train.steps=1"}));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }

  /// Writes the run's model to bad.safetensors after `change`.
  template <class F>
  void write_changed(F&& change) const {
    const io::SafetensorsFile file(folder_ / (checkpoint_ + "/model.safetensors"));
    std::vector<io::TensorView> tensors = file.tensors();
    change(tensors);
    io::write_safetensors(folder_ / "bad.safetensors", tensors);
  }
  static io::TensorView& named(std::vector<io::TensorView>& tensors, const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  }
  void expect_unfit(const std::string& problem) const {
    const Outcome outcome = dime(train_words("failed", {"models.student.init=bad.safetensors"}));
    expect_error(outcome,
                 "command line: models.student: the weights in bad.safetensors do not fit" + problem + kRemedy);
  }

  const std::string checkpoint_ = "r/checkpoints/step_0000000001";
  const std::string held_ = "evaluate.held={task: losses, data: {images: {source: {type: tsv_images, list: \"" +
                            golden_folder().string() + "/image.list\"}, features: {type: tsv_features, list: \"" +
                            golden_folder().string() + "/image-feat.list\"}, batch_size: 320}}}";
};

TEST_F(Weights, AMissingName) {
  write_changed([](auto& tensors) { std::erase_if(tensors, [](const auto& t) { return t.name == "visual.proj"; }); });
  expect_unfit("; missing: visual.proj");
  train("ok", {"models.student.init={path: bad.safetensors, allow_missing: [visual.proj]}", "train.steps=1"});
}

TEST_F(Weights, AnotherName) {
  write_changed([](auto& tensors) { named(tensors, "visual.proj").name = "visual.projj"; });
  expect_unfit(
      "; missing: visual.proj (the file has visual.projj); unexpected: visual.projj (the model has visual.proj)");
}

TEST_F(Weights, AnExtraName) {
  const std::vector<std::uint8_t> bytes(4);
  write_changed([&](auto& tensors) { tensors.push_back({"classifier", io::DType::f32, {1}, bytes.data(), 4}); });
  expect_unfit("; unexpected: classifier");
  train("ok", {"models.student.init={path: bad.safetensors, skip: [classifier]}", "train.steps=1"});
}

TEST_F(Weights, AnotherShape) {
  write_changed(
      [](auto& tensors) { std::swap(named(tensors, "visual.proj").shape[0], named(tensors, "visual.proj").shape[1]); });
  expect_unfit("; of another shape: visual.proj ([48, 32] in the file, [32, 48] in the model)");
}

TEST_F(Weights, AnotherType) {
  write_changed([](auto& tensors) {
    named(tensors, "visual.proj").dtype = io::DType::i32;
    auto& flags = named(tensors, "visual.class_embedding");
    flags.dtype = io::DType::boolean;
    flags.bytes = 32;
  });
  expect_unfit(
      "; of another type: visual.class_embedding (BOOL in the file, F32 in the model), visual.proj (I32 in the file, "
      "F32 in the model)");
}

TEST_F(Weights, NoFile) {
  expect_error(dime(train_words("failed", {"models.student.init=none.safetensors"})),
               "command line: cannot open none.safetensors: No such file or directory");
  expect_error(dime({"eval", "toy.yaml", held_, "--weights", "none"}), "cannot open none: No such file or directory");
}

TEST_F(Weights, TheFileThatNamesThemIsSaid) {
  const std::string head = "schema: 1\nname: toy\nextends: toy.yaml\nmodels:\n  student: {init: ";
  folder_.write("init.yaml", head + "none.safetensors}\n");
  expect_error(dime({"check", "init.yaml"}), "init.yaml:5:19: cannot open none.safetensors: No such file or directory");
  write_changed([](auto& tensors) { named(tensors, "visual.proj").name = "visual.projj"; });
  folder_.write("init.yaml", head + "{path: bad.safetensors, skip: [visual.projj]}}\n");
  expect_error(dime({"train", "init.yaml"}),
               std::string("init.yaml:5:19: models.student: the weights in bad.safetensors do not fit; missing: "
                           "visual.proj") +
                   kRemedy);
}

TEST_F(Weights, NoSafetensorsFile) {
  folder_.write("bad.safetensors", "these are no weights");
  const Outcome outcome = dime(train_words("failed", {"models.student.init=bad.safetensors"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
  EXPECT_TRUE(shown(outcome.err).starts_with("dime: command line: bad.safetensors")) << outcome.err;
}

TEST_F(Weights, EvaluationNeedsThem) {
  expect_error(
      dime({"eval", "toy.yaml", held_}),
      "toy.yaml: models.student has no init: name its weights with --weights (a file, a checkpoint or a run folder)");
  std::filesystem::create_directories(folder_ / "empty/checkpoints");
  expect_error(dime({"eval", "toy.yaml", held_, "--weights", "empty"}), "no checkpoint in empty");
}

TEST_F(Weights, ADamagedCheckpointOfARunIsSaid) {
  const Outcome whole = dime({"eval", "toy.yaml", held_, "--json", "--weights", "r"});
  const std::string newer = "r/checkpoints/step_0000000002";
  std::filesystem::copy(folder_ / checkpoint_, folder_ / newer);
  folder_.write(newer + "/model.safetensors", "cut");
  const auto said = [](const std::string& checkpoint) {
    return "warning: checkpoint " + checkpoint +
           " is damaged (model.safetensors does not match its checksum): going on from the one before\n";
  };
  const Outcome outcome = dime({"eval", "toy.yaml", held_, "--json", "--weights", "r"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, said(newer));
  EXPECT_EQ(outcome.out, whole.out);
  folder_.write(checkpoint_ + "/model.safetensors", "cut");
  EXPECT_EQ(dime({"eval", "toy.yaml", held_, "--weights", "r"}).err,
            said(newer) + said(checkpoint_) + "dime: every checkpoint is damaged in r\n");
}

TEST_F(Weights, ADamagedCheckpointIsRefused) {
  folder_.write(checkpoint_ + "/model.safetensors", "cut");
  expect_error(dime({"eval", "toy.yaml", held_, "--weights", checkpoint_}),
               "checkpoint " + checkpoint_ + " is damaged: model.safetensors does not match its checksum");
}

TEST_F(Weights, APrefixThatFitsNothing) {
  const std::string file = checkpoint_ + "/model.safetensors";
  expect_error(dime(train_words("failed", {"models.student.init={path: " + file + ", skip: [text.]}"})),
               "command line: models.student: `skip` has \"text.\", with which no name in the file begins");
  expect_error(dime(train_words("failed", {"models.student.init={path: " + file + ", allow_missing: [visua.]}"})),
               "command line: models.student: `allow_missing` has \"visua.\", with which no name in the model begins");
}

/// Known before the first task is measured.
TEST_F(Weights, AMisspeltTaskIsFoundFirst) {
  const Outcome outcome = dime({"eval", "toy.yaml", held_, "held", "hold", "--weights", "r"});
  expect_error(outcome, "toy.yaml: evaluate has no task \"hold\"; it has: held");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Weights, EveryFormEvaluatesAlike) {
  const Outcome file = dime({"eval", "toy.yaml", held_, "--json", "--weights", checkpoint_ + "/model.safetensors"});
  ASSERT_EQ(file.status, 0) << file.err;
  EXPECT_EQ(file.err, "");
  const auto result = nlohmann::json::parse(file.out);
  EXPECT_EQ(result.at("name"), "toy");
  const auto& student = result.at("evaluate").at("held").at("student");
  EXPECT_EQ(student.at("parameters"), 39136);
  for (const std::string& form : {checkpoint_, std::string("r")}) {
    const Outcome other = dime({"eval", "toy.yaml", "held", held_, "--json", "--weights", form});
    EXPECT_EQ(other.out, file.out) << form << other.err;
  }
  const Outcome init =
      dime({"eval", "toy.yaml", held_, "--json", "models.student.init=" + checkpoint_ + "/model.safetensors"});
  EXPECT_EQ(init.out, file.out) << init.err;
  EXPECT_NE(dime({"eval", "toy.yaml", held_, "--weights", "r"}).out.find("held  student  pvl"), std::string::npos);
}

}  // namespace
}  // namespace dime::test
