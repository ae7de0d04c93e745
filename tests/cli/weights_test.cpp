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
    expect_error(outcome, "models.student: the weights in bad.safetensors do not fit" + problem + kRemedy);
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
  expect_unfit("; missing: visual.proj; unexpected: visual.projj (the model has visual.proj)");
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

TEST_F(Weights, NoFile) {
  expect_error(dime(train_words("failed", {"models.student.init=none.safetensors"})),
               "cannot open none.safetensors: No such file or directory");
  expect_error(dime({"eval", "toy.yaml", held_, "--weights", "none"}), "cannot open none: No such file or directory");
}

TEST_F(Weights, NoSafetensorsFile) {
  folder_.write("bad.safetensors", "these are no weights");
  const Outcome outcome = dime(train_words("failed", {"models.student.init=bad.safetensors"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
  EXPECT_TRUE(shown(outcome.err).starts_with("dime: bad.safetensors")) << outcome.err;
}

TEST_F(Weights, EvaluationNeedsThem) {
  expect_error(
      dime({"eval", "toy.yaml", held_}),
      "toy.yaml: models.student has no init: name its weights with --weights (a file, a checkpoint or a run folder)");
  std::filesystem::create_directories(folder_ / "empty/checkpoints");
  expect_error(dime({"eval", "toy.yaml", held_, "--weights", "empty"}), "no checkpoint in empty");
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
