// SPDX-License-Identifier: Apache-2.0
// Broken data: what is refused at the start, what is replaced, counted and logged, and where that ends.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class BadData : public CliTest {
 protected:
  BadData() { copy_data(); }

  /// The toy's text stream read from data/, by a student that has a text tower of its own.
  Words own_texts() const {
    return {"data.texts.source.list=data/text.list",
            "models.student.text={width: 32, layers: 1, heads: 1, context: 16}"};
  }
  std::int64_t broken(const std::string& run) const { return metrics(run).back().at("broken_rows"); }

  const std::string images_ = "data.images.source.list=data/image.list";
  const std::string vectors_ = "data.images.features.list=data/image-feat.list";
  const std::string source_ = "toy.yaml:7:20: [dataset/tsv_images] ";
};

TEST_F(BadData, MissingFiles) {
  expect_train_error({"data.images.source.list=none.list"},
                     source_ + "cannot open none.list: No such file or directory");
  folder_.write("data/image.list", "image-0.tsv\nimage-1.tsv\n");
  expect_train_error({images_}, source_ + "data/image.list:2: cannot open data/image-1.tsv: No such file or directory");
}

TEST_F(BadData, AnEmptyShard) {
  folder_.write("data/image-0.tsv", "");
  expect_train_error({images_}, source_ + "data/image.list:1: the shard data/image-0.tsv is empty");
  folder_.write("data/image.list", "");
  expect_train_error({images_}, source_ + "data/image.list lists no shard; put one .tsv file on each line");
}

TEST_F(BadData, AnIndexThatDoesNotFit) {
  const std::string index = (golden_folder() / "image-0.lineidx").string();
  std::filesystem::copy(index, folder_ / "data/image-0.lineidx");
  const std::string whole = folder_.read("data/image-0.lineidx");
  const auto lines = lines_of(whole);
  const std::string place =
      source_ + "data/image.list:1: data/image-0.tsv does not fit its index: data/image-0.lineidx:";
  const std::string remedy = "; delete the index to have it made anew";

  folder_.write("data/image-0.lineidx", lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n");
  expect_train_error({images_},
                     place + "3: the index ends here, but the shard has more rows after offset " + lines[2] + remedy);
  folder_.write("data/image-0.lineidx", whole + "99999999\n");
  expect_train_error({images_}, place + "1281: offset 99999999 lies beyond the 2417902 bytes of the shard" + remedy);
  folder_.write("data/image-0.lineidx", "0\nmany\n");
  expect_train_error({images_}, place + "2: \"many\" is no byte offset" + remedy);
  folder_.write("data/image-0.lineidx", "");
  expect_train_error({images_}, place + "1: the index is empty" + remedy);
}

TEST_F(BadData, AWrongOffsetInTheMiddleEndsTheRun) {
  std::ifstream golden(golden_folder() / "image-0.lineidx");
  std::string text;
  std::size_t n = 0;
  for (std::string line; std::getline(golden, line); ++n)
    text += (n == 1 ? std::to_string(std::stol(line) + 1) : line) + "\n";
  folder_.write("data/image-0.lineidx", text);
  const Outcome outcome = dime(train_words("r", {images_, "data.images.shuffle=false"}));
  expect_error(
      outcome,
      "toy.yaml:7:20: [dataset/tsv_images] data/image-0.tsv does not fit its index: data/image-0.lineidx:1: the row at "
      "offset 0 does not end at the next offset; delete the index to have it made anew");
}

TEST_F(BadData, ARowThatIsNotBase64IsReplacedAndLogged) {
  set_payload("image-0.tsv", 3, "@@@@");
  train("r", {images_, "data.images.shuffle=false", "data.images.broken_rate=0.05"});
  EXPECT_EQ(broken("r"), 1);
  EXPECT_EQ(metrics("r").front().at("broken_rows"), 1);
  const auto log = lines_of(folder_.read("r/broken_rows.log"));
  ASSERT_EQ(log.size(), 1U);
  EXPECT_THAT(log[0],
              testing::MatchesRegex("step 1\timages\t\\[dataset/tsv_images\\] image-0.tsv:3 img3: byte 0 is not "
                                    "base64: '@'\treplaced by img[0-9]+"));
  EXPECT_NE(folder_.read("r/log.txt")
                .find("step 1: 1 broken row(s), the first: [dataset/tsv_images] image-0.tsv:3 img3: "
                      "byte 0 is not base64: '@' (replaced by img"),
            std::string::npos);
}

TEST_F(BadData, AnImageThatDoesNotDecodeIsReplacedAndLogged) {
  set_payload("image-0.tsv", 3, "AAAA");
  train("r", {images_, "data.images.shuffle=false", "data.images.broken_rate=0.05"});
  EXPECT_EQ(broken("r"), 1);
  EXPECT_THAT(
      lines_of(folder_.read("r/broken_rows.log")),
      testing::ElementsAre(testing::MatchesRegex(
          "step 1\timages\timage-0.tsv:3 img3: not a JPEG, PNG, WebP, BMP or GIF image\treplaced by img[0-9]+")));
}

TEST_F(BadData, AVectorOfAnotherLengthIsReplacedAndLogged) {
  set_payload("image-feat-0.tsv", 3, "AAAAAAAAAAA=");
  train("r", {vectors_, "data.images.shuffle=false", "data.images.broken_rate=0.05"});
  EXPECT_EQ(broken("r"), 1);
  EXPECT_THAT(
      lines_of(folder_.read("r/broken_rows.log")),
      testing::ElementsAre(testing::MatchesRegex(
          "step 1\timages\t\\[dataset/tsv_features\\] image-feat-0.tsv:3 img3: the vector has 2 numbers, but row 0 "
          "\\(image-feat-0.tsv:0 img0\\) has 48\treplaced by img[0-9]+")));
}

TEST_F(BadData, TextThatDoesNotParseIsReplacedAndLogged) {
  set_payload("text-0.tsv", 3, "{\"captions\": [");
  set_payload("text-0.tsv", 4, "[1, ");
  Words words = own_texts();
  words.insert(words.end(), {"data.texts.shuffle=false", "data.texts.broken_rate=0.1", "train.steps=2"});
  train("r", words);
  EXPECT_EQ(broken("r"), 2);
  EXPECT_THAT(
      lines_of(folder_.read("r/broken_rows.log")),
      testing::ElementsAre(
          testing::MatchesRegex("step 1\ttexts\t\\[dataset/tsv_texts\\] text-0.tsv:3 txt3: the text begins with "
                                "\"\\{\" but is no JSON: it does not parse at byte 15\treplaced by txt[0-9]+"),
          testing::MatchesRegex("step 1\ttexts\t\\[dataset/tsv_texts\\] text-0.tsv:4 txt4: the text begins with "
                                "\"\\[\" but is no JSON: it does not parse at byte 4\treplaced by txt[0-9]+")));
}

/// Also where only the texts' stored vectors are used.
TEST_F(BadData, TextBesideItsVectorsIsReadToo) {
  set_payload("text-0.tsv", 3, "{\"captions\": [");
  train("r", {"data.texts.source.list=data/text.list", "data.texts.shuffle=false", "data.texts.broken_rate=0.1",
              "train.steps=2"});
  EXPECT_EQ(broken("r"), 1);
  EXPECT_THAT(lines_of(folder_.read("r/broken_rows.log")),
              testing::ElementsAre(testing::MatchesRegex(
                  "step 1\ttexts\t\\[dataset/tsv_texts\\] text-0.tsv:3 txt3: the text begins with "
                  "\"\\{\" but is no JSON: it does not parse at byte 15\treplaced by txt[0-9]+")));
}

TEST_F(BadData, FeaturesWithKeysOfAnotherKindGoByTheirOrder) {
  std::string numbered;
  std::size_t row = 0;
  for (const auto& line : lines_of(folder_.read("data/image-feat-0.tsv"))) {
    numbered += std::to_string(row++) + line.substr(line.find('\t')) + "\n";
  }
  folder_.write("data/image-feat-0.tsv", numbered);
  train("r", {vectors_});
  train("straight");
  EXPECT_EQ(broken("r"), 0);
  EXPECT_EQ(metrics("r").back().at("loss"), metrics("straight").back().at("loss"));
  EXPECT_NE(folder_.read("r/log.txt")
                .find("data.images: the keys of the features differ from the source's: they are taken row by row"),
            std::string::npos);
  EXPECT_NE(dime({"check", "toy.yaml", vectors_})
                .out.find("stored vectors of 48, whose keys differ from the source's: taken row by row\n"),
            std::string::npos);
}

TEST_F(BadData, AboveTheRateTheRunStops) {
  for (std::size_t i = 0; i < 6; ++i) set_payload("image-0.tsv", 10 * i, "@@@@");
  const Outcome outcome = dime(train_words("r", {images_, "data.images.shuffle=false"}));
  expect_error(outcome,
               "data.images: 6 of 128 rows are broken, more than its broken_rate of 0.01; broken_rows.log in the run "
               "folder lists them");
  EXPECT_EQ(lines_of(folder_.read("r/broken_rows.log")).size(), 6U);
  EXPECT_NE(folder_.read("r/log.txt").find(" error data.images: 6 of 128 rows are broken"), std::string::npos);
}

TEST_F(BadData, TheRateIsEachStreamsOwn) {
  set_payload("image-0.tsv", 3, "@@@@");
  const Outcome none = dime(train_words("none", {images_, "data.images.shuffle=false", "data.images.broken_rate=0"}));
  EXPECT_EQ(none.status, 1);
  EXPECT_TRUE(shown(none.err).find("\ndime: data.images: 1 of 32 rows are broken, more than its broken_rate of 0; "
                                   "broken_rows.log in the run folder lists them, the last: [dataset/tsv_images] "
                                   "image-0.tsv:3 img3: byte 0 is not base64: '@'\n") != std::string::npos)
      << none.err;
  train("all", {images_, "data.images.shuffle=false", "data.texts.broken_rate=0"});
}

TEST_F(BadData, ASourceOfBrokenRowsOnlyEndsTheRun) {
  std::string text;
  for (int i = 0; i < 1280; ++i) text += "img" + std::to_string(i) + "\t@@@@\n";
  folder_.write("data/image-0.tsv", text);
  const Outcome outcome = dime(train_words("r", {images_, "data.images.shuffle=false"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(lines_of(outcome.err).back(),
              testing::MatchesRegex("dime: data.images: 9 rows in turn are broken, the last: \\[dataset/tsv_images\\] "
                                    "image-0.tsv:[0-9]+ img[0-9]+: byte 0 is not base64: '@'"));
}

TEST_F(BadData, FeaturesShorterThanTheirImages) {
  const auto lines = lines_of(folder_.read("data/image-feat-0.tsv"));
  std::string text;
  for (std::size_t i = 0; i < 100; ++i) text += lines[i] + "\n";
  folder_.write("data/image-feat-0.tsv", text);
  expect_train_error(
      {vectors_},
      "toy.yaml:8:22: data.images: its features have 100 rows, its source has 1280; they must "
      "correspond row by row: extract the features again, or remove a .lineidx that does not fit its shard");
}

TEST_F(BadData, FeaturesShiftedByARow) {
  auto lines = lines_of(folder_.read("data/image-feat-0.tsv"));
  std::rotate(lines.begin(), lines.begin() + 1, lines.end());
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  folder_.write("data/image-feat-0.tsv", text);
  expect_train_error({vectors_},
                     "toy.yaml:8:22: data.images: features do not belong to the source row by row: their row 0 has the "
                     "key \"img1\", which is row 1 of the source; extract the features again");
}

TEST_F(BadData, RowsPastTheEndAndFeaturesOfTheWholeSource) {
  expect_train_error({"data.images.rows={to: 1281}"},
                     "toy.yaml:7:20: data.images: rows 0 to 1281 are not a part of a source of 1280 rows");
  expect_train_error({"data.images.rows={to: 64}"},
                     "toy.yaml:8:22: data.images: its features have 1280 rows, its source has 64 with its `rows`; they "
                     "must correspond row by row: extract the features again, or remove a .lineidx that does not fit "
                     "its shard, or take `rows` out (features then hold a row for each row of that part)");
}

/// What a plugin's source throws while it is opened.
TEST_F(BadData, ASourceThatCannotBeAskedForItsSize) {
  const std::filesystem::path folder = folder_ / "plugins/datasets";
  std::filesystem::create_directories(folder);
  for (const auto& path : {folder.parent_path(), folder}) {
    std::filesystem::permissions(path, std::filesystem::perms{0755});
  }
  std::filesystem::copy_file(DIME_TEST_BINARY_DIR "/tests/plugin_fixtures/fixture_keyless.so", folder / "keyless.so");
  conditions_.env["DIME_PLUGIN_PATH"] = folder.parent_path().string();
  const auto expect = [&](const std::string& what, const std::string& message) {
    expect_train_error({"data.images.source={type: keyless, size: " + what + "}"},
                       "command line: [dataset/keyless] could not be made: " + message);
  };
  expect("error", "the disk is away");
  expect("number", "it threw something that is no std::exception");
}

TEST_F(BadData, FeaturesWithoutVectors) {
  expect_train_error({"data.images.features.type=tsv_images"},
                     "command line: data.images: its features (tsv_images) hold no vectors");
}

TEST_F(BadData, AVectorOfZerosIsReplacedAndLogged) {
  set_payload("image-feat-0.tsv", 3, std::string(256, 'A'));  // 48 zeros
  train("r", {vectors_, "data.images.shuffle=false", "data.images.broken_rate=0.05"});
  EXPECT_EQ(broken("r"), 1);
  EXPECT_THAT(lines_of(folder_.read("r/broken_rows.log")),
              testing::ElementsAre(testing::MatchesRegex(
                  "step 1\timages\t\\[dataset/tsv_features\\] image-feat-0.tsv:3 img3: the vector is all "
                  "zeros\treplaced by img[0-9]+")));
}

TEST_F(BadData, FeaturesOfOtherRows) {
  auto lines = lines_of(folder_.read("data/image-feat-0.tsv"));
  std::swap(lines[3], lines[4]);
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  folder_.write("data/image-feat-0.tsv", text);
  train("r", {vectors_, "data.images.shuffle=false", "data.images.broken_rate=0.1"});
  const auto log = lines_of(folder_.read("r/broken_rows.log"));
  ASSERT_EQ(log.size(), 2U);
  EXPECT_TRUE(
      log[0].starts_with("step 1\timages\timage-0.tsv:3 img3: its features (image-feat-0.tsv:3 img4) have another key: "
                         "extract the features again\treplaced by img"))
      << log[0];
}

}  // namespace
}  // namespace dime::test
