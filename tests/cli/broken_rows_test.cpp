// SPDX-License-Identifier: Apache-2.0
// Every kind of broken row in a whole run: counted, listed with both keys, replaced by the rule.
#include <algorithm>
#include <cstring>
#include <limits>

#include <dime/base64.hpp>

#include "cli/program.hpp"
#include "support/odd_images.hpp"

namespace dime::test {
namespace {

/// A row of a shard, and the line of broken_rows.log that it leaves.
struct BadRow {
  std::string line;     ///< of the shard
  std::string problem;  ///< between the stream and the replacement
};

class BrokenRows : public CliTest {
 protected:
  BrokenRows() { copy_data(); }

  std::string encoded(const Bytes& bytes) const {
    std::string text;
    base64_encode(bytes, text);
    return text;
  }

  /// Puts the rows in the place of a shard's from its fourth on.
  void put(const std::string& shard, const std::vector<BadRow>& rows) const {
    auto lines = lines_of(folder_.read("data/" + shard));
    for (std::size_t i = 0; i < rows.size(); ++i) lines.at(3 + i) = rows[i].line;
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    folder_.write("data/" + shard, text);
  }

  std::vector<BadRow> as_rows(const std::vector<OddImage>& images) const {
    std::vector<BadRow> rows;
    for (const auto& image : images) {
      const std::string key = "img" + std::to_string(3 + rows.size());
      const std::string place = "image-0.tsv:" + std::to_string(3 + rows.size()) + " " + key + ": ";
      rows.push_back({key + "\t" + encoded(image.bytes), place + image.problem});
    }
    return rows;
  }

  Words with_images(const Words& more = {}) const {
    Words words{"data.images.source.list=data/image.list",
                "data.images.features.list=data/image-feat.list",
                "data.images.shuffle=false",
                "data.images.broken_rate=1",
                "train.steps=2",
                "data.images.transform=[{type: resize, size: [32, 32]}, {type: normalize, preset: clip}]"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// The run's list of broken rows is that of `rows`, each with the key of a good row after it; the last line of
  /// metrics counts them.
  void expect_listed(const std::string& run, const std::string& stream, const std::vector<BadRow>& rows) const {
    EXPECT_EQ(metrics(run).back().at("broken_rows"), rows.size());
    std::vector<std::string> listed;
    for (std::string line : lines_of(folder_.read(run + "/broken_rows.log"))) {
      const auto at = line.find(stream == "texts" ? "\treplaced by txt" : "\treplaced by img");
      ASSERT_NE(at, std::string::npos) << line;
      line = line.substr(0, at);
      const std::string step = line.substr(0, line.find('\t'));
      EXPECT_TRUE(step == "step 1" || step == "step 2") << line;
      line = line.substr(step.size());
      // The row that takes a broken one's place may itself be broken: it is listed, too.
      if (std::find(listed.begin(), listed.end(), line) == listed.end()) listed.push_back(line);
    }
    std::vector<std::string> expected;
    for (const auto& row : rows) expected.push_back("\t" + stream + "\t" + row.problem);
    EXPECT_THAT(listed, testing::UnorderedElementsAreArray(expected));
  }
};

TEST_F(BrokenRows, ImagesThatDoNotDecodeInBothResamplings) {
  const auto rows = as_rows(broken_images());
  put("image-0.tsv", rows);
  train("exact", with_images());
  expect_listed("exact", "images", rows);
  train("fused", with_images({"data.images.resampling=fused"}));
  EXPECT_EQ(folder_.read("fused/broken_rows.log"), folder_.read("exact/broken_rows.log"));
  train("upright", with_images({"data.images.exif_orientation=true"}));
  EXPECT_EQ(folder_.read("upright/broken_rows.log"), folder_.read("exact/broken_rows.log"));
}

TEST_F(BrokenRows, OddImagesAreNotBroken) {
  put("image-0.tsv", as_rows(odd_images()));
  for (const char* resampling : {"exact", "fused"}) {
    train(resampling, with_images({std::string("data.images.resampling=") + resampling}));
    EXPECT_EQ(metrics(resampling).back().at("broken_rows"), 0) << folder_.read(std::string(resampling) + "/log.txt");
  }
}

TEST_F(BrokenRows, RowsThatAreEmptyOrNone) {
  const std::string source = "[dataset/tsv_images] image-0.tsv:";
  const std::vector<BadRow> rows{{"", source + "3: the row has no tab between key and payload"},
                                 {"img4\t", source + "4 img4: the image is empty"},
                                 {"img5", source + "5: the row has no tab between key and payload"},
                                 {"other\t" + encoded(golden_image("one.jpg")),
                                  "image-0.tsv:6 other: its features (image-feat-0.tsv:6 img6) have another key: "
                                  "extract the features again"}};
  put("image-0.tsv", rows);
  train("r", with_images());
  expect_listed("r", "images", rows);
}

TEST_F(BrokenRows, VectorsThatAreNoVectors) {
  const std::string source = "[dataset/tsv_features] image-feat-0.tsv:";
  const auto vector = [&](float last) {
    std::vector<float> numbers(48, 0.5F);
    numbers.back() = last;
    Bytes bytes(numbers.size() * sizeof(float));
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return encoded(bytes);
  };
  const std::vector<BadRow> rows{
      {"img3\t" + vector(std::numeric_limits<float>::quiet_NaN()),
       source + "3 img3: number 47 of the vector is not finite"},
      {"img4\t" + vector(std::numeric_limits<float>::infinity()),
       source + "4 img4: number 47 of the vector is not finite"},
      {"img5\t" + vector(3e38F), source + "5 img5: the vector's norm is not finite"},
      {"img6\t", source + "6 img6: the vector is empty"},
      {"", source + "7: the row has no tab between key and payload"},
      {"img8\t" + encoded(Bytes(5)), source + "8 img8: 5 bytes are no whole number of float32"}};
  put("image-feat-0.tsv", rows);
  train("r", with_images());
  expect_listed("r", "images", rows);
}

TEST_F(BrokenRows, TextsThatAreNoTexts) {
  const std::string source = "[dataset/tsv_texts] text-0.tsv:";
  const std::vector<BadRow> rows{
      {"txt3\tcaf\xE9", source + "3 txt3: the text is not UTF-8 at byte 3"},
      {"txt4\t{\"caption\": \"\xC0\xAF\"}", source + "4 txt4: the text is not UTF-8 at byte 13"},
      {"txt5\t", source + "5 txt5: the text is empty"},
      {"", source + "6: the row has no tab between key and payload"}};
  put("text-0.tsv", rows);
  train("r", {"data.texts.source.list=data/text.list", "data.texts.shuffle=false", "data.texts.broken_rate=1",
              "train.steps=2", "models.student.text={width: 32, layers: 1, heads: 1, context: 16}"});
  expect_listed("r", "texts", rows);
}

/// The order of what takes a broken row's place is a function of the seed, not of the threads.
TEST_F(BrokenRows, TheSameRowsTakeTheirPlaceWhateverTheThreads) {
  put("image-0.tsv", as_rows(broken_images()));
  train("one", with_images());
  train("three", with_images({"threads.decode=3"}));
  EXPECT_EQ(folder_.read("three/broken_rows.log"), folder_.read("one/broken_rows.log"));
  EXPECT_EQ(without_times(metrics("three").back()), without_times(metrics("one").back()));
  train("other", with_images({"seed=7"}));
  EXPECT_NE(folder_.read("other/broken_rows.log"), folder_.read("one/broken_rows.log"));
}

TEST_F(BrokenRows, AboveTheRateTheWholeLineIsTheLastOne) {
  put("image-0.tsv", as_rows({broken_images().front()}));
  const Outcome outcome = dime(train_words("r", with_images({"data.images.broken_rate=0"})));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines_of(outcome.err).back(),
            "dime: data.images: 1 of 32 rows are broken, more than its broken_rate of 0; broken_rows.log in the run "
            "folder lists them, the last: image-0.tsv:3 img3: truncated JPEG: Premature end of JPEG file");
}

}  // namespace
}  // namespace dime::test
