// SPDX-License-Identifier: Apache-2.0
#include "train/plan.hpp"

#include <gtest/gtest.h>

#include "io/tokenizer_siglip.hpp"
#include "support/spiece.hpp"
#include "train/run.hpp"

namespace dime::test {
namespace {

const char* const kImages = "{source: {type: tsv_images, list: i.list}, batch_size: 4}";
const char* const kStoredImages =
    "{source: {type: tsv_images, list: i.list}, features: {type: tsv_features, list: f.list}, batch_size: 4}";
const char* const kTexts = "{source: {type: tsv_texts, list: t.list}, batch_size: 4}";
const char* const kStoredTexts = "{features: {type: tsv_features, list: g.list}, batch_size: 4}";
const char* const kImageTower = "image: {image_size: 16, patch_size: 8, width: 64, layers: 1, heads: 1}";
const char* const kTextTower = "text: {width: 64, layers: 1, heads: 1, context: 8, vocabulary: 10}";

ModelSpec spec(bool image, bool text, std::int64_t size = 16, std::int64_t context = 8) {
  ModelSpec s;
  s.embed_dim = 8;
  if (image) s.image.emplace().size = size;
  if (text) s.text.emplace().context = context;
  return s;
}

struct Planned {
  Plan plan;
  std::string problems;
};

class PlanTest : public testing::Test {
 protected:
  std::string student_ = kImageTower;
  std::string teacher_ = "";  ///< its towers; empty: none

  Planned plan(const std::string& data, const std::string& losses, const ModelSpec& student,
               const std::optional<ModelSpec>& teacher = {}) const {
    std::string text = "schema: 1\nname: plan\ndata: {" + data + "}\nlosses: {" + losses + "}\ntrain: {steps: 1}\n" +
                       "models:\n  student: {type: clip, embed_dim: 8, " + student_ + "}\n";
    if (teacher) text += "  teacher: {type: clip, embed_dim: 8, " + teacher_ + "}\n";
    const LoadedExperiment loaded = load_experiment(folder_.write("plan.yaml", text), {}, build_folder());
    Problems problems;
    Planned out;
    out.plan = make_plan(loaded.experiment, *loaded.plugins, &student, teacher ? &*teacher : nullptr, problems);
    out.problems = join(problems.lines(), "\n");
    const std::string prefix = folder_.path().string() + "/";
    for (auto at = out.problems.find(prefix); at != std::string::npos; at = out.problems.find(prefix)) {
      out.problems.erase(at, prefix.size());
    }
    return out;
  }

  ScratchFolder folder_;
};

std::string streams(const std::string& images, const std::string& texts) {
  return "images: " + images + ", texts: " + texts;
}

TEST_F(PlanTest, StoredVectorsNeedNoTeacher) {
  const Planned p = plan(streams(kStoredImages, kStoredTexts), "vl: {type: vl}", spec(true, false));
  EXPECT_EQ(p.problems, "");
  EXPECT_TRUE(p.plan.images.pixels && p.plan.images.vectors && p.plan.texts.vectors);
  EXPECT_FALSE(p.plan.texts.tokens || p.plan.teacher_runs || p.plan.student_text);
  EXPECT_EQ(p.plan.images.image_size, 16);
}

TEST_F(PlanTest, WhatVlLacks) {
  EXPECT_EQ(plan(streams(kImages, kTexts), "a: {type: vl}", spec(true, false)).problems,
            "plan.yaml:4:20: loss \"vl\" (losses.a) needs the teacher's image vectors: give data.images `features`, or "
            "models.teacher with an image tower\n"
            "plan.yaml:4:20: loss \"vl\" (losses.a) needs the teacher's text vectors: give data.texts `features`, or "
            "models.teacher with a text tower");
  EXPECT_EQ(plan(std::string("images: ") + kStoredImages, "a: {type: vl}, b: {type: pvl}", spec(true, false)).problems,
            "plan.yaml:4:20: loss \"vl\" (losses.a) needs the teacher's text vectors: give data.texts `features`, or "
            "models.teacher with a text tower");
}

TEST_F(PlanTest, ATeacherWithoutTheTower) {
  teacher_ = kImageTower;
  EXPECT_EQ(plan(streams(kImages, kTexts), "a: {type: vl}", spec(true, false), spec(true, false)).problems,
            "plan.yaml:4:20: loss \"vl\" (losses.a) needs the teacher's text vectors: give data.texts `features`, or "
            "models.teacher with a text tower");
}

TEST_F(PlanTest, ARunningTeacher) {
  teacher_ = std::string(kImageTower) + ", " + kTextTower;
  const Planned p = plan(streams(kImages, kTexts), "a: {type: vl}", spec(true, false), spec(true, true));
  EXPECT_EQ(p.problems, "");
  EXPECT_TRUE(p.plan.teacher_runs && p.plan.images.pixels && p.plan.texts.tokens);
  EXPECT_FALSE(p.plan.images.vectors || p.plan.texts.vectors);
  EXPECT_EQ(p.plan.texts.context, 8);
}

TEST_F(PlanTest, WhatClipLacks) {
  EXPECT_EQ(
      plan(streams(kStoredImages, kStoredTexts), "c: {type: clip}", spec(true, false)).problems,
      "plan.yaml:4:20: loss \"clip\" (losses.c) works on pairs: say `on: pairs`\n"
      "plan.yaml:4:20: loss \"clip\" (losses.c) needs a text tower of the student's own (models.student.text) and "
      "texts in data.texts");
  EXPECT_EQ(
      plan("pairs: " + std::string(kImages), "c: {type: clip, on: pairs}", spec(true, false)).problems,
      "plan.yaml:4:20: loss \"clip\" (losses.c) needs a text tower of the student's own (models.student.text) and "
      "texts in data.pairs");
}

TEST_F(PlanTest, PairsOfAStudentWithBothTowers) {
  student_ = std::string(kImageTower) + ", " + kTextTower;
  const Planned p = plan("pairs: " + std::string(kImages), "c: {type: clip, on: pairs}", spec(true, true));
  EXPECT_EQ(p.problems, "");
  EXPECT_TRUE(p.plan.student_text && p.plan.pairs.pixels && p.plan.pairs.tokens);
  EXPECT_EQ(p.plan.pairs.context, 8);
}

TEST_F(PlanTest, ATeacherOfAnotherImageSize) {
  teacher_ = std::string(kImageTower) + ", " + kTextTower;
  EXPECT_EQ(
      plan(streams(kImages, kTexts), "a: {type: vl}", spec(true, false), spec(true, true, 32)).problems,
      "plan.yaml:8:19: models.teacher takes images of another size or normalisation than models.student: store its "
      "vectors with `dime extract` and give them as `features`");
  // It only encodes texts here.
  EXPECT_EQ(plan(streams(kStoredImages, kTexts), "a: {type: vl}", spec(true, false), spec(true, true, 32)).problems,
            "");
}

TEST_F(PlanTest, ATeacherOfAnotherContext) {
  student_ = std::string(kImageTower) + ", " + kTextTower;
  teacher_ = student_;
  EXPECT_EQ(plan(streams(kStoredImages, kTexts), "a: {type: vl}", spec(true, true), spec(true, true, 16, 77)).problems,
            "plan.yaml:8:19: models.teacher takes 77 tokens of a text, models.student 8: store its vectors with `dime "
            "extract` and give them as `features`");
}

/// With that tokenizer.
ModelSpec reading(const std::string& tokenizer, std::int64_t vocabulary = 49408) {
  ModelSpec s = spec(true, true);
  s.text->tokenizer = tokenizer;
  s.text->vocabulary = vocabulary;
  return s;
}

TEST_F(PlanTest, ATeacherOfAnotherTokenizer) {
  teacher_ = std::string(kImageTower) + ", " + kTextTower;
  const std::string reads =
      "plan.yaml:8:19: models.teacher reads tokens of the tokenizer \"t5\", which dime does not have: ";
  EXPECT_EQ(plan(streams(kImages, kTexts), "a: {type: vl}", spec(true, false), reading("t5")).problems,
            reads + "store its text vectors and give them as `features` of data.texts");
  EXPECT_EQ(
      plan("pairs: " + std::string(kImages), "a: {type: pvl, on: pairs}", spec(true, false), reading("t5")).problems,
      reads + "build its image tower alone, by `towers: image`");
}

TEST_F(PlanTest, ATeacherOfSiglipsTokenizer) {
  const auto planned = [&](const std::string& more, std::int64_t vocabulary = 32000) {
    teacher_ = std::string(kImageTower) + ", " + kTextTower + more;
    return plan(streams(kStoredImages, kTexts), "a: {type: vl}", spec(true, false), reading("siglip", vocabulary));
  };
  const std::string begin = "plan.yaml:8:19: models.teacher ";
  EXPECT_EQ(planned("").problems, begin + "has no tokenizer: give it `tokenizer: path/to/spiece.model`");
  EXPECT_EQ(planned(", init: w/model.safetensors").problems,
            begin +
                "has no tokenizer: there is no w/spiece.model; give it `tokenizer: path/to/spiece.model`, or lay "
                "spiece.model beside its weights");
  EXPECT_EQ(planned(", init: w/model.safetensors, tokenizer: t.model").problems,
            begin +
                "has no tokenizer: there is no t.model; give it `tokenizer: path/to/spiece.model`, or lay "
                "spiece.model beside its weights");
  folder_.write("w/spiece.model", spiece_model());
  folder_.write("t.model", spiece_model());
  for (const char* found : {", init: w", ", init: w/model.safetensors", ", tokenizer: w/spiece.model"}) {
    const Planned p = planned(found);
    EXPECT_EQ(p.problems, "") << found;
    EXPECT_EQ(p.plan.tokenizer.name, "siglip");
    EXPECT_EQ(p.plan.tokenizer.file, folder_ / "w/spiece.model") << found;
  }
  EXPECT_EQ(planned(", init: w, tokenizer: t.model").plan.tokenizer.file, folder_ / "t.model");
  const std::string size = std::to_string(SiglipTokenizer(folder_ / "t.model").size());
  EXPECT_EQ(planned(", tokenizer: t.model", 10).problems,
            begin + "has a vocabulary of 10, the tokenizer t.model one of " + size + ": leave `vocabulary` out");
  folder_.write("t.model", "nonsense");
  EXPECT_EQ(planned(", tokenizer: t.model").problems,
            begin + "cannot use its tokenizer: t.model: not a sentencepiece model: it is damaged or cut short");
}

TEST_F(PlanTest, BothModelsReadTheSameTokens) {
  folder_.write("a/spiece.model", spiece_model());
  folder_.write("b/spiece.model", spiece_model());
  folder_.write("c/spiece.model", spiece_model(32));
  const std::string towers = std::string(kImageTower) + ", " + kTextTower;
  const auto planned = [&](const std::string& student, const std::string& teacher, const ModelSpec& of_student,
                           const ModelSpec& of_teacher) {
    student_ = towers + student;
    teacher_ = towers + teacher;
    return plan(streams(kStoredImages, kTexts), "a: {type: vl}", of_student, of_teacher).problems;
  };
  const std::string store = ": store its vectors with `dime extract` and give them as `features`";
  const ModelSpec clip = spec(true, true), siglip = reading("siglip");
  EXPECT_EQ(
      planned("", ", init: a", clip, siglip),
      "plan.yaml:8:19: models.teacher reads tokens of the tokenizer \"siglip\" (a/spiece.model), models.student of "
      "\"clip\"" +
          store);
  EXPECT_EQ(
      planned(", init: a", ", init: c", siglip, siglip),
      "plan.yaml:8:19: models.teacher reads tokens of the tokenizer \"siglip\" (c/spiece.model), models.student of "
      "\"siglip\" (a/spiece.model)" +
          store);
  EXPECT_EQ(planned(", init: a", ", init: b", siglip, siglip), "") << "two files of one content";
}

TEST_F(PlanTest, TheTokenizerDoesNotMatterWhereNothingIsTokenised) {
  teacher_ = std::string(kImageTower) + ", " + kTextTower;
  EXPECT_EQ(plan(streams(kImages, kStoredTexts), "a: {type: vl}", spec(true, false), reading("t5")).problems, "");
  EXPECT_EQ(plan(streams(kStoredImages, kStoredTexts), "a: {type: vl}", spec(true, false), reading("t5")).problems, "");
  // The student's own tower reads texts of which the teacher's vectors are stored.
  student_ = teacher_;
  const std::string texts =
      "{source: {type: tsv_texts, list: t.list}, features: {type: tsv_features, list: g.list}, batch_size: 4}";
  EXPECT_EQ(plan(streams(kImages, texts), "a: {type: vl}", spec(true, true), reading("t5")).problems, "");
}

TEST_F(PlanTest, AStudentOfAnotherTokenizer) {
  student_ = std::string(kImageTower) + ", " + kTextTower;
  const std::string texts =
      "{source: {type: tsv_texts, list: t.list}, features: {type: tsv_features, list: g.list}, batch_size: 4}";
  EXPECT_EQ(plan(streams(kStoredImages, texts), "a: {type: fd}", reading("t5")).problems,
            "plan.yaml:7:19: models.student reads tokens of the tokenizer \"t5\", which dime does not have: leave "
            "models.student.text out");
}

TEST_F(PlanTest, ATeacherOfASmallVocabulary) {
  teacher_ = std::string(kImageTower) + ", " + kTextTower;
  ModelSpec small = spec(true, true);
  small.text->vocabulary = 10;
  EXPECT_EQ(
      plan(streams(kStoredImages, kTexts), "a: {type: vl}", spec(true, false), small).problems,
      "plan.yaml:8:19: models.teacher has a vocabulary of 10, the tokenizer one of 49408: leave `vocabulary` out");
}

TEST_F(PlanTest, ANormalizeOfAnotherModel) {
  const auto normalized = [&](const std::string& how) {
    const std::string images =
        "{source: {type: tsv_images, list: i.list}, features: {type: tsv_features, list: "
        "f.list}, transform: [{type: normalize, " +
        how + "}], batch_size: 4}";
    return plan("images: " + images, "a: {type: pvl}", spec(true, false)).problems;
  };
  EXPECT_EQ(normalized("preset: clip"), "");
  EXPECT_EQ(normalized("mean: [0.4815, 0.4578, 0.4082], std: [0.2686, 0.2613, 0.2758]"), "");  // rounded
  EXPECT_EQ(normalized("preset: half"),
            "plan.yaml:3:124: data.images normalizes with mean [0.5, 0.5, 0.5] and std [0.5, 0.5, 0.5], but "
            "models.student expects [0.481455, 0.457827, 0.408211] and [0.26863, 0.261303, 0.275777]: leave normalize "
            "out, or change mean and std of either");
}

TEST_F(PlanTest, TeacherNeeded) {
  Experiment e;
  EXPECT_FALSE(teacher_needed(e));
  e.data.images.emplace();
  e.data.images->sources.emplace_back();
  EXPECT_TRUE(teacher_needed(e));
  e.data.images->sources[0].features.emplace();
  EXPECT_FALSE(teacher_needed(e));
  e.data.pairs.emplace();
  EXPECT_TRUE(teacher_needed(e));
}

}  // namespace
}  // namespace dime::test
