// SPDX-License-Identifier: Apache-2.0
#include "eval/tasks.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/plugins.hpp"
#include "train/run.hpp"
#include "train/weights.hpp"

namespace dime::test {
namespace {

/// The golden run's losses at its first weights, on rows of its own data.
std::string held_out(const std::string& data) {
  return std::string("evaluate={held: {task: losses, data: {").append(data).append("}}}");
}

LoadedExperiment golden(const std::vector<std::string>& overrides) {
  return load_experiment(golden_file("golden_trajectory.yaml"), overrides, build_folder());
}

std::string source(const std::string& type, const std::string& list) {
  const std::string path = golden_file(std::string("trajectory_vit/").append(list)).string();
  return std::string("{type: ").append(type).append(", list: ").append(path).append("}");
}

std::string images() {
  std::string text = "images: {batch_size: 32, source: ";
  text.append(source("tsv_images", "image.list")).append(", features: ");
  return text.append(source("tsv_features", "image-feat.list")).append("}");
}

std::string texts() {
  return std::string("texts: {batch_size: 32, features: ").append(source("tsv_features", "text-feat.list")).append("}");
}

TEST(LossesTask, TakesTheTrainingsStreamsWhereItHasNone) {
  const LoadedExperiment loaded = golden({held_out(texts())});
  const RunModels models = build_models(loaded);
  models.student->train();
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  const TaskResult result = evaluator.run("held", 12);
  EXPECT_EQ(result.task, "held");
  EXPECT_EQ(result.step, 12);
  const auto& json = result.models.at("student");
  EXPECT_EQ(json.at("samples"), 1280);
  EXPECT_TRUE(models.student->is_training());
  const double total = 0.7 * json.at("losses").at("vl").get<double>() +
                       0.3 * json.at("losses").at("pvl").get<double>() +
                       0.1 * json.at("losses").at("udist").get<double>();
  EXPECT_NEAR(json.at("loss").get<double>(), total, 1e-9);
  EXPECT_GT(json.at("parameters").get<std::int64_t>(), 1000);
}

TEST(LossesTask, IsTheMeanOverItsBatches) {
  const std::string held = held_out(images());
  const LoadedExperiment loaded = golden(
      {held, "train.epochs=null", "train.steps=40", "train.optimizer.lr=1.0e-30", "train.schedule={type: constant}"});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  const auto json = evaluator.run("held", 0).models.at("student");
  // A run whose weights stand still sees the same batches.
  TrainingRun run(golden_file("golden_trajectory.yaml"),
                  {"train.optimizer.lr=1.0e-30", "train.schedule={type: constant}"});
  run.train();
  std::map<std::string, double> means;
  for (const auto& report : run.reports) {
    for (const auto& [name, value] : report.result.losses) means[name] += value / 40;
  }
  for (const auto& [name, mean] : means)
    EXPECT_NEAR(json.at("losses").at(name).get<double>(), mean, 1e-5 * mean) << name;
}

TEST(LossesTask, Mistakes) {
  const LoadedExperiment loaded = golden({"evaluate={empty: {task: losses}, both: {task: losses, models: [teacher]}}"});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_EQ(error_text<ConfigError>([&] { evaluator.run("empty", 0); }),
            "evaluate.empty: a losses task needs held-out streams: give data.images, data.texts or data.pairs");
  EXPECT_EQ(error_text<ConfigError>([&] { evaluator.run("both", 0); }),
            "evaluate.both measures the teacher, but there is no models.teacher");
  EXPECT_EQ(error_text<ConfigError>([&] { evaluator.run("bth", 0); }),
            golden_file("golden_trajectory.yaml").string() + ": evaluate has no task \"bth\"; it has: empty, both");
  Evaluator without(loaded, torch::kCPU, nullptr);
  EXPECT_EQ(error_text<ConfigError>([&] { without.run("empty", 0); }), "evaluate: there is no models.student");
}

TEST(LossesTask, ABrokenRowIsAnError) {
  const ScratchFolder scratch;
  scratch.write("i.tsv", "a\tbm8gaW1hZ2U=\nb\tbm8gaW1hZ2U=\n");
  scratch.write("f.tsv", "a\t" + std::string(256, 'B') + "\nb\t" + std::string(256, 'B') + "\n");
  const LoadedExperiment loaded =
      golden({held_out("images: {batch_size: 1, source: {type: tsv_images, list: " + (scratch / "i.tsv").string() +
                       "}, features: {type: tsv_features, " + "list: " + (scratch / "f.tsv").string() + "}}")});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_NE(error_text<DataError>([&] { evaluator.run("held", 0); }).find("not a JPEG, PNG, WebP, BMP or GIF image"),
            std::string::npos);
}

/// A file of random weights of a text tower.
std::string text_weights(const ScratchFolder& scratch, const std::string& vocabulary) {
  const auto text = options({{"width", "64"}, {"layers", "1"}, {"heads", "1"}, {"vocabulary", vocabulary}});
  const auto model = make_model("clip", Value::map({{"embed_dim", Value::scalar("48"), {}}, {"text", text, {}}}));
  const auto path = scratch / ("text_" + vocabulary + ".safetensors");
  save_tensors(path, named_tensors(*model));
  return path.string();
}

/// Likewise, of one without its spiece.model; and how a task asks for it.
std::string siglip_text(const ScratchFolder& scratch) {
  const std::string sizes = "{width: 16, layers: 1, heads: 1, context: 8, vocabulary: 64}";
  const auto text = options({{"width", "16"}, {"layers", "1"}, {"heads", "1"}, {"context", "8"}, {"vocabulary", "64"}});
  const auto model = make_model("siglip", Value::map({{"embed_dim", Value::scalar("48"), {}}, {"text", text, {}}}));
  const auto path = scratch / "siglip.safetensors";
  save_tensors(path, named_tensors(*model));
  return ", classes: [a], models: [student], text: {type: siglip, embed_dim: 48, text: " + sizes +
         ", init: " + path.string() + "}}";
}

struct BadTask {
  std::string task;
  std::string message;
};

/// What cannot work is said before a run.
TEST(CheckEvaluations, FindsWhatWouldFail) {
  const ScratchFolder scratch;

  scratch.write("r/zero/a.jpg", "x");
  const std::string folder = "{type: image_folder, root: " + (scratch / "r").string() + "}";
  const auto with_text = [&](const std::string& vocabulary, const std::string& init) {
    return ", classes: [a], models: [student], text: {type: clip, embed_dim: 48, text: {width: 64, layers: 1, heads: "
           "1, "
           "vocabulary: " +
           vocabulary + "}, init: " + init + "}}";
  };
  const std::string zero_shot = "{task: zero_shot, data: ";
  const std::string small = text_weights(scratch, "100"), whole = text_weights(scratch, "49408");
  const std::vector<BadTask> all{
      {"{task: losses}",
       "evaluate.bad: a losses task needs held-out streams: give data.images, data.texts or data.pairs"},
      {"{task: losses, data: {images: {batch_size: 5000, source: " + source("tsv_images", "image.list") +
           ", features: " + source("tsv_features", "image-feat.list") + "}}}",
       "evaluate.bad: data.images: batch_size 5000 is more than the 1280 rows of the source: lower it, or say `last: "
       "wrap`"},
      {zero_shot + folder + with_text("49408", "/nope.safetensors"),
       "command line: cannot open /nope.safetensors: No such file or directory"},
      {zero_shot + folder + with_text("100", small),
       "evaluate.bad: the text model has a vocabulary of 100, the tokenizer one of 49408: leave `vocabulary` "
       "out"},
      {zero_shot + folder + siglip_text(scratch),
       "evaluate.bad: the text model has no tokenizer: there is no " + (scratch / "spiece.model").string() +
           "; give it `tokenizer: path/to/spiece.model`, or lay spiece.model beside its weights"},
      {zero_shot + source("tsv_images", "image.list") + with_text("49408", whole),
       "evaluate.bad: data.evaluate: its source has no labels"},
      {zero_shot + folder + ", transform: [{type: resize, size: [32, 32]}, {type: normalize, preset: half}]" +
           with_text("49408", whole),
       "command line: evaluate.bad normalizes with mean [0.5, 0.5, 0.5] and std [0.5, 0.5, 0.5], but models.student "
       "expects [0.481455, 0.457827, 0.408211] and [0.26863, 0.261303, 0.275777]: leave normalize out, or change mean "
       "and std of either"},
  };
  for (const auto& [task, message] : all) {
    const LoadedExperiment loaded = golden({"evaluate={bad: " + task + "}"});
    const RunModels models = build_models(loaded);
    EXPECT_EQ(error_text<Error>([&] { check_evaluations(loaded, models); }), message) << task;
  }
}

/// Random weights would give a number that means nothing.
TEST(Tasks, ATeacherNeedsWeights) {
  const LoadedExperiment loaded =
      golden({"models.teacher={type: clip, preset: ViT-B-32, embed_dim: 48}",
              "evaluate.z={task: zero_shot, models: [teacher], text: teacher, data: {type: image_folder, root: r}}"});
  const RunModels models = build_models(loaded);
  EXPECT_EQ(error_text<ConfigError>([&] { check_evaluations(loaded, models); }),
            "evaluate.z measures the teacher, but models.teacher has no init: its weights would be random");
}

TEST(Tasks, ATextModelNeedsWeights) {
  const ScratchFolder scratch;
  scratch.write("r/zero/a.jpg", "x");
  scratch.write("e.yaml",
                "{extends: " + golden_file("golden_trajectory.yaml").string() +
                    ",\n evaluate: {z: {task: zero_shot, data: {type: image_folder, root: r},\n  text: {type: "
                    "clip, embed_dim: 48, text: {width: 64, layers: 1, heads: 1}}}}}\n");
  const LoadedExperiment loaded = load_experiment(scratch / "e.yaml", {}, build_folder());
  const RunModels models = build_models(loaded);
  EXPECT_EQ(scratch.shown(error_text<ConfigError>([&] { check_evaluations(loaded, models); })),
            "evaluate.z: the text model at e.yaml:3:9 has no init: its weights would be random");
}

TEST(LossesTask, WrapFillsTheLastBatch) {
  const LoadedExperiment loaded =
      golden({held_out("images: {source: " + source("tsv_images", "image.list") +
                       ", features: " + source("tsv_features", "image-feat.list") + ", batch_size: 999, last: wrap}")});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_EQ(evaluator.run("held", 0).models.at("student").at("samples"), 1998);
}

TEST(LossesTask, TheTasksBatchSizeCounts) {
  const LoadedExperiment loaded =
      golden({held_out("images: {source: " + source("tsv_images", "image.list") +
                       ", features: " + source("tsv_features", "image-feat.list") + ", last: wrap}"),
              "evaluate.held.batch_size=500"});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_EQ(evaluator.run("held", 0).models.at("student").at("samples"), 1500);
}

TEST(LossesTask, ALossThatIsNotFinite) {
  const LoadedExperiment loaded = golden({held_out(images())});
  const RunModels models = build_models(loaded);
  models.student->parameters()[0].detach().fill_(std::numeric_limits<float>::quiet_NaN());
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_EQ(error_text<TrainError>([&] { evaluator.run("held", 0); }), "evaluate.held: losses.vl is not finite");
}

/// A loss's own parameters are not in the student's weights, so what they would measure is not known here.
TEST(LossesTask, RefusesLossesWithParameters) {
  const LoadedExperiment loaded = golden({held_out(images()), "models.student.init=null", "models.student.embed_dim=40",
                                          "losses={vl: null, pvl: null, udist: null, fd: {type: fd}}"});
  const RunModels models = build_models(loaded);
  Evaluator evaluator(loaded, torch::kCPU, models.student);
  EXPECT_EQ(error_text<ConfigError>([&] { evaluator.run("held", 0); }),
            "evaluate.held: a losses task cannot measure losses.fd: it has weights of its own "
            "(image_projector_weight), which are not the "
            "student's");
}

TEST(ResultsTable, ShowsScoresAndLosses) {
  TaskResult test{
      "test",
      3,
      {{"student",
        {{"accuracy", 0.8312}, {"images_per_second", 1234.4}, {"parameters", 2000000}, {"image_parameters", 1000000}}},
       {"teacher", {{"accuracy", 0.9}, {"images_per_second", 99.6}, {"parameters", 3}, {"image_parameters", 2}}}}};
  TaskResult held{"held", 3, {{"student", {{"losses", {{"vl", 0.5}}}, {"loss", 0.5}}}}};
  EXPECT_EQ(results_table({test, held}),
            "task  model    image parameters  parameters  images/s  accuracy\n"
            "----  -------  ----------------  ----------  --------  --------\n"
            "test  student         1,000,000   2,000,000      1234   83.12 %\n"
            "test  teacher                 2           3       100   90.00 %\n"
            "task  model    loss     value\n"
            "----  -------  ----  --------\n"
            "held  student  vl    0.500000\n");
  EXPECT_EQ(results_table({}), "");
}

}  // namespace
}  // namespace dime::test
