// SPDX-License-Identifier: Apache-2.0
// How mistakes in an experiment are worded.
#include <gmock/gmock.h>

#include <dime/build.hpp>

#include "config/files.hpp"

namespace dime {
namespace {

using test::mistakes;

TEST(Experiment, Defaults) {
  const Experiment e = test::experiment("{schema: 1, name: x}");
  EXPECT_EQ(e.device, "auto");
  EXPECT_EQ(e.train.optimizer.lr, 1e-3);
  EXPECT_EQ(e.train.schedule_options.type, "constant");
  EXPECT_FALSE(e.data.images);
}

TEST(Experiment, UnknownKeys) {
  EXPECT_EQ(
      mistakes("schema: 1\nname: x\nlossess: {}"),
      "f.yaml:3:1: unknown option \"lossess\" of the experiment (did you mean \"losses\"?); it takes: data, device, "
      "evaluate, extract, losses, models, name, plugins, schema, seed, threads, train");
  EXPECT_EQ(
      mistakes("schema: 1\nname: x\ntrain: {optimizer: {lrr: 1}}"),
      "f.yaml:3:21: unknown option \"lrr\" of \"optimizer\" of \"train\" (did you mean \"lr\"?); it takes: betas, eps, "
      "lr, type, weight_decay");
}

TEST(Experiment, MissingKeys) {
  EXPECT_EQ(mistakes("{}"),
            "f.yaml:1:1: the experiment needs option \"schema\" (The version of the experiment language: 1.)\n"
            "f.yaml:1:1: the experiment needs option \"name\" (Names the run and its folder: letters, digits, dots, "
            "dashes, underscores.)");
}

TEST(Experiment, AnUnknownVersionIsTheOnlyProblem) {
  EXPECT_EQ(mistakes("schema: 2\nbananas: 3"),
            "f.yaml:1:9: schema 2 is not known to dime " DIME_VERSION
            ", which reads schema 1; use a newer dime, or write `schema: 1` if the file follows it");
  EXPECT_EQ(mistakes("schema: one\nname: x"),
            "f.yaml:1:9: option \"schema\" of the experiment takes an integer, got \"one\"");
}

TEST(Experiment, Names) {
  EXPECT_EQ(mistakes("{schema: 1, name: ../x}"),
            "f.yaml:1:19: option \"name\" of the experiment takes letters, digits, \".\", \"-\" and \"_\", not \".\" "
            "first, got "
            "\"../x\"");
  EXPECT_EQ(mistakes("{schema: 1, name: vit-b_32.v1}"), "");
}

TEST(Experiment, Choices) {
  EXPECT_EQ(mistakes("schema: 1\nname: x\ndevice: gpu\ntrain: {precision: fp61}"),
            "f.yaml:3:9: option \"device\" of the experiment takes one of auto, cpu, cuda, got \"gpu\" (did you mean "
            "\"cpu\"?)\n"
            "f.yaml:4:20: option \"precision\" of \"train\" takes one of fp32, bf16, fp16, got \"fp61\" (did you mean "
            "\"fp16\"?)");
  EXPECT_EQ(
      mistakes(
          "{schema: 1, name: x, data: {images: {source: {type: a}, batch_size: 1, resampling: fast, last: keep}}}"),
      "f.yaml:1:84: option \"resampling\" of \"images\" of \"data\" takes one of exact, fused, got \"fast\"\n"
      "f.yaml:1:96: option \"last\" of \"images\" of \"data\" takes one of drop, wrap, got \"keep\"");
}

TEST(Experiment, Losses) {
  const std::string head =
      "{schema: 1, name: x, train: {steps: 1}, models: {student: {type: m}}, data: {texts: {source: {type: a}, "
      "batch_size: 1}}, "
      "losses:\n ";
  EXPECT_EQ(mistakes(head + "{a: {weight: 1}}}"),
            "f.yaml:2:6: \"a\" of \"losses\" needs option \"type\" (the name of its plugin)");
  EXPECT_EQ(mistakes(head + "{a: {type: vl, weight: heavy}}}"),
            "f.yaml:2:25: option \"weight\" of loss \"vl\" takes a number, got \"heavy\"");
  EXPECT_EQ(mistakes(head + "{a: {type: vl, weight: {from: 0, to: 1, over: soon}}}}"),
            "f.yaml:2:48: option \"over\" of \"weight\" of loss \"vl\" takes a duration (\"500 steps\", \"2 epochs\", "
            "or a whole "
            "number of steps), got \"soon\"");
  EXPECT_EQ(mistakes(head + "{a: vl}}"), "f.yaml:2:6: \"a\" of \"losses\" takes a map with `type`, got \"vl\"");
  const Experiment e = test::experiment(head + "{a: {type: vl, weight: 2, on: streams, temperature: 3}, b: null}}");
  ASSERT_EQ(e.losses.size(), 1u);
  EXPECT_EQ(e.losses[0].first, "a");
  EXPECT_EQ(to_yaml(e.losses[0].second.component.options), "temperature: 3\n");
}

TEST(Experiment, Models) {
  const auto student = [](const std::string& text) {
    return test::experiment("{schema: 1, name: x, models: {student: " + text + "}}").models.student.value();
  };
  const auto said = [](const std::string& text) {
    return mistakes("{schema: 1, name: x, models: {student:\n " + text + "}}");
  };
  EXPECT_EQ(student("{type: m}").text, "teacher");
  EXPECT_EQ(student("{type: m, text: none}").text, "none");
  EXPECT_EQ(student("{type: m, text: none}").component.options.find("text"), nullptr);
  EXPECT_EQ(student("{type: m, text: {width: 3}}").text, "own");
  EXPECT_EQ(to_yaml(student("{type: m, text: {width: 3}, init: w.st}").component.options), "text:\n  width: 3\n");
  EXPECT_EQ(student("{type: m, init: w.st}").init->path, "/folder/w.st");
  const auto init = student("{type: m, init: {path: w.st, skip: [visual.], allow_missing: [head.]}}").init.value();
  EXPECT_THAT(init.skip, testing::ElementsAre("visual."));
  EXPECT_THAT(init.allow_missing, testing::ElementsAre("head."));
  const auto frozen = student("{type: m, freeze: [visual.conv1.*, logit_scale]}");
  ASSERT_EQ(frozen.freeze.size(), 2u);
  EXPECT_EQ(frozen.freeze[0].text, "visual.conv1.*");
  EXPECT_EQ(frozen.freeze[1].text, "logit_scale");
  EXPECT_EQ(frozen.freeze[1].mark.text(), "f.yaml:1:75");
  EXPECT_TRUE(frozen.component.options.entries().empty());
  EXPECT_TRUE(student("{type: m, freeze: null}").freeze.empty());
  EXPECT_EQ(said("{type: m, freeze: visual.*}"),
            "f.yaml:2:20: option \"freeze\" of model \"m\" takes a list, got \"visual.*\"");
  EXPECT_EQ(said("{type: m, freeze: [a, {b: c}, '']}"),
            "f.yaml:2:24: item 2 of option \"freeze\" of model \"m\" takes a string, got a map\n"
            "f.yaml:2:32: item 3 of option \"freeze\" of model \"m\" takes the name of a parameter, or a pattern of "
            "names with *, got \"\"");
  EXPECT_EQ(mistakes("{schema: 1, name: x, models: {teacher: {type: m, freeze: [a]}}}"),
            "f.yaml:1:58: option \"freeze\" of the teacher: a teacher is never trained; remove it");
  EXPECT_EQ(said("{type: m, text: techer}"),
            "f.yaml:2:18: option \"text\" of model \"m\" takes one of teacher, none, got \"techer\" (did you mean "
            "\"teacher\"?)");
  EXPECT_EQ(said("{type: m, text: [1]}"),
            "f.yaml:2:18: option \"text\" of model \"m\" takes teacher, none or a map, got a list");
  EXPECT_EQ(said("{type: m, init: {pth: w}}"),
            "f.yaml:2:18: \"init\" of model \"m\" needs option \"path\" (A safetensors file, a PyTorch checkpoint, a "
            "TorchScript archive, an index of shards, or a folder.)\n"
            "f.yaml:2:19: unknown option \"pth\" of \"init\" of model \"m\" (did you mean \"path\"?); it takes: "
            "allow_missing, interpolate_positions, path, skip");
  EXPECT_EQ(
      mistakes("{schema: 1, name: x, models: {teacher: {type: m, text: none}}}"),
      "f.yaml:1:56: option \"text\" of the teacher takes a map, got \"none\"; teacher and none are said of a student");
}

TEST(Experiment, Describes) {
  const auto options = Experiment::schema().options();
  ASSERT_EQ(options.size(), 12u);
  EXPECT_EQ(options[4].options[0].type, "integer or auto");
  EXPECT_EQ(options[4].options[0].default_value, "auto");
  EXPECT_EQ(options[8].type, "map of names to loss");
  EXPECT_EQ(options[8].options[1].name, "weight");
  EXPECT_EQ(options[8].options[1].default_value, "1");
}

}  // namespace
}  // namespace dime
