// SPDX-License-Identifier: Apache-2.0
// Texts of a SigLIP teacher, from the sentences of a run to its evaluation.
#include <dime/base64.hpp>

#include "cli/program.hpp"
#include "support/spiece.hpp"

namespace dime::test {
namespace {

namespace fs = std::filesystem;

class SiglipTexts : public CliTest {
 protected:
  SiglipTexts() { folder_.write("hub/spiece.model", spiece_model()); }

  static std::string model(const std::string& more) {
    return "{type: siglip, embed_dim: 48, image: {image_size: 32, patch_size: 16, width: 48, layers: 1, heads: 1}, "
           "text: {width: 16, layers: 1, heads: 1, context: 16, vocabulary: 80}, " +
           more + "}";
  }
  /// The words for a teacher that encodes the sentences.
  static Words taught_by(const std::string& more) {
    return {"models.teacher=" + model(more), "data.texts.features=null", "train.steps=2"};
  }
  /// Weights in hub/: those of a student with a text tower of its own.
  void make_weights() const {
    train("own", {"models.student=" + model("tokenizer: hub/spiece.model"),
                  "data.images.transform=[{type: random_resized_crop, size: 32}]", "train.steps=2"});
    fs::copy_file(folder_ / "own/checkpoints/step_0000000002/model.safetensors", folder_ / "hub/model.safetensors");
  }
  /// Images of two classes.
  void make_images() const {
    copy_data();
    const auto rows = lines_of(folder_.read("data/image-0.tsv"));
    for (std::size_t i = 0; i < 6; ++i) {
      std::vector<std::uint8_t> bytes;
      base64_decode(rows[i].substr(rows[i].find('\t') + 1), bytes);
      folder_.write((i % 2 == 0 ? "folders/cat/" : "folders/dog/") + std::to_string(i) + ".png",
                    {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
  double first_loss(const std::string& run) const { return metrics(run).front().at("loss"); }
};

TEST_F(SiglipTexts, ATeacherEncodesTheSentencesOfARun) {
  make_weights();
  train("distil", taught_by("init: hub"));
  EXPECT_EQ(metrics("distil").size(), 2U);
  // The same file from another place, and another one.
  train("same", taught_by("init: hub/model.safetensors, tokenizer: hub/spiece.model"));
  EXPECT_EQ(first_loss("same"), first_loss("distil"));
  folder_.write("other.model", spiece_model(32));
  train("other", taught_by("init: hub, tokenizer: other.model"));
  EXPECT_NE(first_loss("other"), first_loss("distil"));
}

TEST_F(SiglipTexts, ARunFolderIsEvaluatedWithItsTokenizer) {
  make_weights();
  make_images();
  folder_.write("t.model", spiece_model());
  for (const std::string teacher : {"init: hub", "init: hub/model.safetensors, tokenizer: t.model"}) {
    fs::remove_all(folder_ / "elsewhere");
    train("r", taught_by(teacher));
    fs::create_directory(folder_ / "elsewhere");
    fs::rename(folder_ / "r", folder_ / "elsewhere/r");
    const Outcome outcome =
        dime({"eval", "elsewhere/r/experiment.yaml", "--weights", "elsewhere/r", "--json",
              "evaluate.z={task: zero_shot, models: [student, teacher], data: {type: image_folder, root: folders}}"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto models = nlohmann::json::parse(outcome.out).at("evaluate").at("z");
    EXPECT_NE(models.dump().find("\"samples\":6"), std::string::npos) << models.dump();
  }
}

TEST_F(SiglipTexts, VectorsOfSentencesAreExtracted) {
  make_weights();
  const Outcome outcome = dime({"extract", "toy.yaml", "models.teacher=" + model("init: hub"),
                                "extract.t={of: data.texts, to: {type: tsv_features, stem: v}}"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("t: 96 vectors of 48 numbers in ")) << outcome.out;
  train("stored", {"data.texts.source=null", "data.texts.features.list=v.list", "train.steps=1"});
  train("ran", taught_by("init: hub"));
  const double stored = first_loss("stored"), ran = first_loss("ran");
  EXPECT_NEAR(stored, ran, 1e-5 * ran);
}

TEST_F(SiglipTexts, WhatIsWrongIsSaidBeforeARun) {
  expect_train_error(taught_by("logit_bias_init: 0"),
                     "command line: models.teacher has no tokenizer: give it `tokenizer: path/to/spiece.model`");
  expect_train_error(taught_by("tokenizer: none.model"),
                     "command line: models.teacher has no tokenizer: there is no none.model; give it `tokenizer: "
                     "path/to/spiece.model`, or lay spiece.model beside its weights");
  folder_.write("broken.model", "nonsense");
  expect_train_error(taught_by("tokenizer: broken.model"),
                     "command line: models.teacher cannot use its tokenizer: broken.model: not a sentencepiece model: "
                     "it is damaged or cut short");
  expect_train_error(taught_by("tokenizer: [hub]"),
                     "command line: option \"tokenizer\" of model \"siglip\" takes a path, got a list");
  expect_train_error({"models.student.tokenizer=hub/spiece.model"},
                     "command line: models.student has no use for `tokenizer`: it has no text tower; remove it");
  expect_train_error({"models.student.text={width: 32, layers: 1, heads: 1, context: 16}",
                      "models.student.tokenizer=hub/spiece.model"},
                     "command line: models.student has no use for `tokenizer`: it reads CLIP's tokens; remove it");
  Words both = taught_by("tokenizer: hub/spiece.model");
  both.emplace_back("models.student.text={width: 32, layers: 1, heads: 1, context: 16}");
  expect_train_error(both,
                     "command line: models.teacher reads tokens of the tokenizer \"siglip\" (hub/spiece.model), "
                     "models.student of \"clip\": store its vectors with `dime extract` and give them as `features`");
}

}  // namespace
}  // namespace dime::test
