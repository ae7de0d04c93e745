// SPDX-License-Identifier: Apache-2.0
// describe, check, doctor, extract and pack.
#include <algorithm>

#include <dime/schema.hpp>

#include "cli/program.hpp"

namespace dime::test {
namespace {

class Commands : public CliTest {
 protected:
  /// A folder among those that are searched for plugins.
  std::string make_plugin_folder(const std::string& kind) {
    for (const auto& path : {folder_ / "more", folder_ / ("more/" + kind)}) {
      std::filesystem::create_directory(path);
      std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    conditions_.env["DIME_PLUGIN_PATH"] = path("more");
    return "more/" + kind;
  }
  /// Makes `{type: keyless}` a data source.
  void add_keyless() {
    const std::string place = make_plugin_folder("datasets") + "/keyless.so";
    std::filesystem::copy_file(DIME_TEST_BINARY_DIR "/tests/plugin_fixtures/fixture_keyless.so", folder_ / place);
  }

  const std::string plugins_ = DIME_TEST_BINARY_DIR "/bin/plugins";
  const std::string text_ = "models.student.text={width: 32, layers: 1, heads: 1, context: 16}";
};

TEST_F(Commands, DescribeListsEverything) {
  const Outcome outcome = dime({"describe"});
  EXPECT_EQ(outcome.status, 0);
  Words titles;
  for (const auto& line : lines_of(outcome.out)) titles.push_back(line.substr(0, line.find(' ')));
  EXPECT_THAT(titles, testing::IsSupersetOf({"experiment", "loss/vl", "loss/pvl", "loss/udist", "loss/fd", "loss/clip",
                                             "model/clip", "model/siglip", "dataset/idx", "dataset/image_folder",
                                             "dataset/text_lines", "dataset/tsv_features", "dataset/tsv_images",
                                             "dataset/tsv_texts", "transform/resize", "transform/normalize"}));
  const auto all = nlohmann::json::parse(dime({"describe", "--json"}).out);
  EXPECT_EQ(all.size(), titles.size()) << "one line each";
}

TEST_F(Commands, DescribeOnePlugin) {
  const Outcome outcome = dime({"describe", "loss/vl"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.out.starts_with("loss \"vl\" (" + plugins_ + "/losses/vl.so)\n")) << outcome.out;
  EXPECT_NE(outcome.out.find("  temperature (number, > 0, default 1): "), std::string::npos);
  const auto json = nlohmann::json::parse(dime({"describe", "loss/vl", "--json"}).out);
  EXPECT_EQ(json.at("kind"), "loss");
  EXPECT_EQ(json.at("name"), "vl");
  EXPECT_EQ(json.at("options").at(1).at("name"), "temperature");
  EXPECT_EQ(json.at("options").at(1).at("default"), 1);
}

TEST_F(Commands, APluginThatDoesNotLoadHidesNoOther) {
  const Outcome whole = dime({"describe"}), whole_json = dime({"describe", "--json"});
  const std::string folder = make_plugin_folder("losses");
  folder_.write(folder + "/broken.so", "no library");
  folder_.write(folder + "/cut.so", "");
  const std::string problems =
      "dime: [loss/broken] more/losses/broken.so: no shared library (not an ELF file)\n"
      "dime: [loss/cut] more/losses/cut.so: no shared library (not an ELF file)\n";
  for (const auto& [words, want] :
       {std::pair<Words, Outcome>{{"describe"}, whole}, {{"describe", "--json"}, whole_json}}) {
    const Outcome outcome = dime(words);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, want.out);
    EXPECT_EQ(shown(outcome.err), problems);
  }
  EXPECT_EQ(dime({"describe", "experiment"}).status, 0);
  expect_error(dime({"describe", "loss/broken"}),
               "[loss/broken] more/losses/broken.so: no shared library (not an ELF file)");
}

TEST_F(Commands, DescribeWhatIsNotThere) {
  expect_error(dime({"describe", "loss/vll"}),
               "[loss/vll] no such plugin; did you mean \"vl\"? losses found: clip, crd, fd, pvl, "
               "udist, vl (searched: " +
                   plugins_ + ")");
  const Outcome outcome = dime({"describe", "experimant"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(
      outcome.err.starts_with("dime: nothing is called \"experimant\" (did you mean \"experiment\"?); there are: "))
      << outcome.err;
}

TEST_F(Commands, CheckOfAGoodFile) {
  const Outcome outcome = dime({"check", "toy.yaml"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(lines_of(outcome.out),
              testing::ElementsAre(
                  "models.student: 39,136 parameters (all trained; 39,136 in the image tower), vectors of 48",
                  "  forward:     241.3 kFLOP an image; a step 23.2 MFLOP for 32 images",
                  testing::MatchesRegex("  activations: [0-9.]+ KiB an image; [0-9.]+ [KM]iB for 32 images"),
                  "  state:       611.5 KiB of weights, gradients and AdamW's moments",
                  "data.images: 1,280 rows, batches of 32, stored vectors of 48",
                  "data.texts: 96 rows, batches of 32, stored vectors of 48", "losses: vl, pvl", "toy.yaml: good"));
  EXPECT_FALSE(exists("runs"));
}

TEST_F(Commands, CheckOfAStudentAndATeacher) {
  const Outcome outcome =
      dime({"check", "toy.yaml", text_, "train.micro_batch_size=8", "data.texts.features=null",
            "models.student.freeze=[visual.transformer.resblocks.0.*, logit_scale]",
            "models.teacher={type: clip, embed_dim: 48, text: {width: 32, layers: 1, heads: 1, context: 16}}"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(
      lines_of(outcome.out),
      testing::IsSupersetOf(std::vector<testing::Matcher<std::string>>{
          "models.student: 1,635,009 parameters (1,622,304 trained, 12,705 frozen; 39,136 in the image tower), vectors "
          "of 48",
          "  forward:     241.3 kFLOP an image, 91.1 kFLOP a text; a step 42.5 MFLOP for 32 images and 32 texts",
          testing::MatchesRegex("  activations: [0-9.]+ KiB an image, [0-9.]+ KiB a text; [0-9.]+ [KM]iB for 32 images "
                                "and 32 texts in micro-batches of 8"),
          "models.teacher: 1,595,873 parameters (none trained; 0 in the image tower), vectors of 48",
          "  forward:     91.1 kFLOP a text; a step 2.92 MFLOP for 32 texts",
          testing::MatchesRegex("  activations: [0-9.]+ KiB a text; [0-9.]+ [KM]iB for 32 texts in micro-batches of 8"),
          "  state:       6.09 MiB of weights"}));
}

TEST_F(Commands, CheckOfWhatIsFrozen) {
  expect_error(dime({"check", "toy.yaml", "models.student.freeze=[visual.conv.*, '*.bias']"}),
               "command line: models.student: `freeze` has \"visual.conv.*\", which the name of no parameter fits; "
               "the nearest is \"visual.conv1.weight\"");
  for (const char* command : {"check", "train"}) {
    expect_error(dime({command, "toy.yaml", "models.student.freeze=['*']"}),
                 "command line: models.student: `freeze` leaves no parameter to train; take a pattern out");
  }
}

TEST_F(Commands, CheckListsBadDataOfEveryStream) {
  const Outcome outcome =
      dime({"check", "toy.yaml", "data.images.source.list=a.list", "data.texts.source.list=b.list"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(shown(outcome.err),
            "dime: toy.yaml:7:20: [dataset/tsv_images] cannot open a.list: No such file or directory\n"
            "dime: toy.yaml:12:20: [dataset/tsv_texts] cannot open b.list: No such file or directory\n");
  EXPECT_EQ(lines_of(outcome.out).size(), 4U) << outcome.out;
}

TEST_F(Commands, CheckGoesOnAfterAModelThatCannotBeBuilt) {
  const Outcome outcome = dime({"check", "toy.yaml", "models.student.init=none.safetensors",
                                "data.images.source.list=a.list", "data.texts.source.list=b.list"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(shown(outcome.err),
            "dime: command line: cannot open none.safetensors: No such file or directory\n"
            "dime: toy.yaml:7:20: [dataset/tsv_images] cannot open a.list: No such file or directory\n"
            "dime: toy.yaml:12:20: [dataset/tsv_texts] cannot open b.list: No such file or directory\n");
}

TEST_F(Commands, CheckDecodesTheFirstRows) {
  const Outcome outcome = dime({"check", "toy.yaml", "data.images.transform=[{type: resize, size: 16}]"});
  expect_error(outcome,
               "data.images: 9 rows in turn are broken, the last: image-0.tsv:8 img8: the image is 16x16 after its "
               "transforms, the model takes 32x32: add a resize or a crop");
}

TEST_F(Commands, CheckOfAStudentThatSeesNoImages) {
  const Outcome outcome = dime({"check", "toy.yaml", "models.student.towers=text", text_});
  expect_error(outcome, "toy.yaml:17:11: models.student has no image tower to encode data.images");
}

TEST_F(Commands, CheckOfAnExtractionWithoutASource) {
  expect_error(dime({"check", "toy.yaml", "data.texts.source=null",
                     "extract.tv={model: student, of: data.texts, to: {type: tsv_features, stem: v}}"}),
               "extract.tv: data.texts has no source to encode");
}

TEST_F(Commands, DataOfEvaluationsIsOpenedBeforeARun) {
  const std::string task =
      "evaluate.test={task: zero_shot, text: student, data: {type: image_folder, root: none}, classes: [a, b]}";
  const std::string problem =
      "command line: [dataset/image_folder] cannot read the folder none: No such file or directory";
  expect_error(dime({"check", "toy.yaml", task}), problem);
  expect_train_error({task}, problem);
  expect_train_error({task, "evaluate.test.text=teacher"},
                     "evaluate.test writes its classes with the teacher, but there is no models.teacher");
}

TEST_F(Commands, DoctorLooksAround) {
  const Outcome outcome = dime({"doctor"});
  EXPECT_TRUE(outcome.out.starts_with("dime ")) << outcome.out;
  EXPECT_NE(outcome.out.find("plugins: "), std::string::npos);
}

TEST_F(Commands, ExtractedVectorsTrain) {
  train("teacher", {text_, "train.steps=2"});
  const std::string init = "models.student.init=teacher/checkpoints/step_0000000002/model.safetensors";
  const Outcome extracted =
      dime({"extract", "toy.yaml", text_, init,
            "extract.iv={model: student, of: data.images, to: {type: tsv_features, stem: vec/image}}",
            "extract.tv={model: student, of: data.texts, to: {type: tsv_features, stem: vec/text}}"});
  ASSERT_EQ(extracted.status, 0) << extracted.err;
  EXPECT_THAT(
      lines_of(shown(extracted.out)),
      testing::ElementsAre(testing::MatchesRegex("iv: 1,280 vectors of 48 numbers in [0-9.]+ s -> vec/image.list"),
                           testing::MatchesRegex("tv: 96 vectors of 48 numbers in [0-9.]+ s -> vec/text.list")));
  EXPECT_EQ(lines_of(folder_.read("vec/image-0.tsv")).size(), 1280U);
  EXPECT_EQ(lines_of(folder_.read("vec/text-text-0.tsv"))[0], "txt0\t\"a photo of a blue tree bird\"");
  train("student", {"data.images.features.list=vec/image.list", "data.texts.features.list=vec/text.list",
                    "data.texts.source.list=vec/text-text.list", "train.steps=4"});
  EXPECT_EQ(metrics("student").back().at("broken_rows"), 0);
}

TEST_F(Commands, RowsWithoutKeysGoByTheirNumbers) {
  add_keyless();
  train("teacher", {text_, "train.steps=1"});
  const std::string source = "{type: keyless, rows: 258}";
  const Outcome extracted =
      dime({"extract", "toy.yaml", text_, "models.student.init=teacher/checkpoints/step_0000000001/model.safetensors",
            "data.images.source=" + source, "data.texts.source=" + source,
            "extract.iv={model: student, of: data.images, to: {type: tsv_features, stem: out/image}}",
            "extract.tv={model: student, of: data.texts, to: {type: tsv_features, stem: out/text}}"});
  ASSERT_EQ(extracted.status, 0) << extracted.err;
  const Outcome packed = dime({"pack", "--source", source, "--stem", "out/packed"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  for (const std::string name : {"image-0", "text-0", "text-text-0", "packed-0", "packed-text-0"}) {
    const auto lines = lines_of(folder_.read("out/" + name + ".tsv"));
    ASSERT_EQ(lines.size(), 258U) << name;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].substr(0, lines[i].find('\t')), std::to_string(i)) << name;
    }
  }
}

TEST_F(Commands, WhatIsThrownThatIsNoException) {
  add_keyless();
  expect_error(dime({"pack", "--source", "{type: keyless, throws: true}", "--stem", "x"}),
               "something was thrown that is no std::exception");
}

TEST_F(Commands, ExtractNeedsWeights) {
  expect_error(
      dime({"extract", "toy.yaml", "extract.iv={model: student, of: data.images, to: {type: tsv_features, stem: v}}"}),
      "toy.yaml: models.student has no init: its vectors would be those of random weights");
  expect_error(
      dime({"extract", "toy.yaml", "extract.iv={model: teacher, of: data.images, to: {type: tsv_features, stem: v}}"}),
      "command line: extraction \"iv\" encodes with the teacher, but there is no models.teacher");
}

TEST_F(Commands, PackedImagesAndTextsTrain) {
  const std::string source = "{type: tsv_images, list: \"" + golden_folder().string() + "/image.list\"}";
  const Outcome packed = dime({"pack", "--source", source, "--stem", "packed/image", "--rows-per-shard", "500"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_EQ(packed.out, "1,280 rows -> packed/image.list\n");
  EXPECT_EQ(folder_.read("packed/image.list"), "image-0.tsv\nimage-1.tsv\nimage-2.tsv\n");
  const std::string texts = "{type: tsv_texts, list: \"" + golden_folder().string() + "/text.list\"}";
  ASSERT_EQ(dime({"pack", "--source", texts, "--stem", "packed/text"}).status, 0);
  train("a", {"data.images.source.list=packed/image.list", "data.texts.source.list=packed/text.list"});
  train("b");
  expect_same_end("a", "b", "step_0000000008");
}

TEST_F(Commands, PackMistakes) {
  const Words base{"pack", "--stem", "x", "--source"};
  const auto pack = [&](const std::string& source) {
    Words words = base;
    words.push_back(source);
    return dime(words);
  };
  Words datasets;
  for (const auto& file : std::filesystem::directory_iterator(plugins_ + "/datasets")) {
    datasets.push_back(file.path().stem());
  }
  std::sort(datasets.begin(), datasets.end());
  expect_error(
      pack("{type: image_foldr, root: a}"),
      "command line:1:8: [dataset/image_foldr] no such plugin; did you mean \"image_folder\"? datasets found: " +
          join(datasets) + " (searched: " + plugins_ + ")");
  expect_error(
      pack("{type: image_folder, root: a, rooot: a}"),
      "command line:1:31: unknown option \"rooot\" of dataset \"image_folder\" (did you mean \"root\"?); it takes: "
      "root");
  expect_error(pack("{type: image_folder, root: none}"),
               "command line:1:8: [dataset/image_folder] cannot read the folder none: No such file or directory");
}

}  // namespace
}  // namespace dime::test
