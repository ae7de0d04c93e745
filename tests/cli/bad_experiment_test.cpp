// SPDX-License-Identifier: Apache-2.0
// Mistakes in an experiment: all at once, before anything is built.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class BadExperiment : public CliTest {
 protected:
  const std::string plugins_ = DIME_TEST_BINARY_DIR "/bin/plugins";
};

TEST_F(BadExperiment, EveryMistakeIsListed) {
  folder_.write("bad.yaml",
                "schema: 1\nname: toy\nextends: toy.yaml\n"
                "losses:\n  vl: {type: vl, temprature: 2}\n  more: {type: pvvl}\n"
                "trian: {steps: 3}\n"
                "train: {stepss: 3, precision: fp61, log_every: 0}\n");
  const std::string expected =
      "dime: bad.yaml:5:18: unknown option \"temprature\" of loss \"vl\" (did you mean \"temperature\"?); it takes: "
      "form, products, scale, temperature\n"
      "bad.yaml:6:16: [loss/pvvl] no such plugin; did you mean \"pvl\"? losses found: clip, crd, fd, pvl, udist, vl "
      "(searched: " +
      plugins_ +
      ")\n"
      "bad.yaml:7:1: unknown option \"trian\" of the experiment (did you mean \"train\"?); it takes: data, device, "
      "evaluate, extract, losses, models, name, plugins, schema, seed, threads, train\n"
      "bad.yaml:8:9: unknown option \"stepss\" of \"train\" (did you mean \"steps\"?); it takes: checkpoint, "
      "clip_grad_norm, epochs, log_every, micro_batch_size, optimizer, precision, schedule, steps, stop_after, "
      "sync_batch_norm\n"
      "bad.yaml:8:31: option \"precision\" of \"train\" takes one of fp32, bf16, fp16, got \"fp61\" (did you mean "
      "\"fp16\"?)\n"
      "bad.yaml:8:48: option \"log_every\" of \"train\" must be > 0, got 0\n";
  for (const char* command : {"train", "check", "eval", "extract"}) {
    const Outcome outcome = dime({command, "bad.yaml"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, expected);
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_FALSE(exists("runs"));
}

TEST_F(BadExperiment, NoFile) {
  expect_error(dime({"train", "none.yaml"}), "cannot read none.yaml: No such file or directory");
  expect_error(dime({"check", "none.yaml"}), "cannot read none.yaml: No such file or directory");
}

TEST_F(BadExperiment, ComponentsWithoutATypeAreSaidOnce) {
  folder_.write(
      "bad.yaml",
      "schema: 1\nname: toy\ndata:\n  images:\n    source: {list: x}\n    transform: [{size: 3}]\n    batch_size: 1\n");
  EXPECT_EQ(dime({"check", "bad.yaml"}).err,
            "dime: bad.yaml:5:13: \"source\" of \"images\" of \"data\" needs option \"type\" (the name of its plugin)\n"
            "bad.yaml:6:17: item 1 of \"transform\" of \"images\" of \"data\" needs option \"type\" (the name of its "
            "plugin)\n");
}

TEST_F(BadExperiment, EvaluationsOfNothing) {
  folder_.write("bad.yaml", "extends: toy.yaml\nevaluate:\n  held: {task: losses, models: []}\n");
  for (const char* command : {"check", "eval"}) {
    expect_error(
        dime({command, "bad.yaml"}),
        "bad.yaml:3:32: option \"models\" of \"held\" of \"evaluate\" takes at least one of student, teacher, got "
        "an empty list");
  }
}

TEST_F(BadExperiment, AFolderInTheVariableIsListedWithTheRest) {
  std::filesystem::create_symlink("loop", folder_ / "loop");
  conditions_.env["DIME_PLUGIN_PATH"] = "loop";
  folder_.write("bad.yaml", "schema: 1\nname: toy\nextends: toy.yaml\nsead: 1\n");
  EXPECT_EQ(
      dime({"check", "bad.yaml"}).err,
      "dime: the plugin folder loop (named by $DIME_PLUGIN_PATH) cannot be read: Too many levels of symbolic links\n"
      "bad.yaml:4:1: unknown option \"sead\" of the experiment (did you mean \"seed\"?); it takes: data, device, "
      "evaluate, extract, losses, models, name, plugins, schema, seed, threads, train\n");
}

TEST_F(BadExperiment, NoYaml) {
  folder_.write("bad.yaml", "schema: 1\nname: [x\n");
  const Outcome outcome = dime({"check", "bad.yaml"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines_of(outcome.err).size(), 1U);
  EXPECT_TRUE(outcome.err.starts_with("dime: bad.yaml:")) << outcome.err;
}

TEST_F(BadExperiment, UnknownPlugins) {
  expect_train_error(
      {"losses.vl.type=vll"},
      "command line: [loss/vll] no such plugin; did you mean \"vl\"? losses found: clip, crd, fd, pvl, udist, "
      "vl (searched: " +
          plugins_ + ")");
  expect_train_error({"models.student={type: resnet}"},
                     "command line: [model/resnet] no such plugin; models found: clip, fastvit, siglip, torchscript, "
                     "unicl (searched: " +
                         plugins_ + ")");
  expect_train_error({"data.images.transform=[{type: resise, size: 3}]"},
                     "command line: unknown transform \"resise\" (did you mean \"resize\"?); there are: center_crop, "
                     "horizontal_flip, normalize, pad, random_crop, random_resized_crop, resize");
}

TEST_F(BadExperiment, AFolderOfPluginsThatIsNotThere) {
  std::filesystem::create_directory(folder_ / "mine");
  std::filesystem::permissions(folder_ / "mine", std::filesystem::perms::owner_all);
  folder_.write("bad.yaml", "schema: 1\nname: toy\nextends: toy.yaml\nplugins: [gone, mine, lost]\n");
  const Outcome outcome = dime({"check", "bad.yaml"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(shown(outcome.err),
            "dime: bad.yaml:4:11: there is no plugin folder gone (named by the experiment's plugins)\n"
            "bad.yaml:4:23: there is no plugin folder lost (named by the experiment's plugins)\n");
  expect_train_error({"plugins=[gone]"},
                     "command line: there is no plugin folder gone (named by the experiment's plugins)");
}

TEST_F(BadExperiment, ExtendsOnTheCommandLine) {
  expect_train_error({"extends=toy.yaml"},
                     "command line: \"extends=toy.yaml\" comes too late; write `extends` in the file");
}

TEST_F(BadExperiment, ASizeThatNoModelHas) {
  expect_train_error({"models.student.image.width=1000000000"},
                     "command line: option \"width\" of \"image\" of model \"clip\" must be between 1 and 65536, got "
                     "1000000000");
}

TEST_F(BadExperiment, AMissingVariable) {
  expect_train_error(
      {"data.images.source.list=${env:DIME_TEST_NOWHERE}/x.list"},
      "command line: the environment variable \"DIME_TEST_NOWHERE\" is not set; set it or write the value here");
}

TEST_F(BadExperiment, WhatALossNeeds) {
  const Outcome outcome = dime({"check", "toy.yaml", "losses.clip={type: clip}"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(
      outcome.err,
      "dime: command line: loss \"clip\" (losses.clip) works on pairs: say `on: pairs`\n"
      "command line: loss \"clip\" (losses.clip) needs a text tower of the student's own (models.student.text) and "
      "texts in data.texts\n");
}

TEST_F(BadExperiment, NothingToTrain) {
  folder_.write("bare.yaml", "schema: 1\nname: bare\n");
  expect_error(dime({"train", "bare.yaml"}), "bare.yaml: training needs models.student");
  expect_error(dime({"eval", "bare.yaml"}), "bare.yaml: there is nothing under evaluate");
  expect_error(dime({"extract", "bare.yaml"}), "bare.yaml: there is nothing under extract");
}

TEST_F(BadExperiment, UnknownTasksAndJobs) {
  const Words task{"evaluate.held={task: losses, data: {images: {source: {type: tsv_images, list: x.list}}}}"};
  expect_error(dime({"eval", "toy.yaml", "hold", task[0]}), "toy.yaml: evaluate has no task \"hold\"; it has: held");
  expect_error(dime({"extract", "toy.yaml", "vectors",
                     "extract.images={model: student, of: data.images, to: {type: tsv_features, stem: x}}"}),
               "toy.yaml: extract has no job \"vectors\"; it has: images");
}

}  // namespace
}  // namespace dime::test
