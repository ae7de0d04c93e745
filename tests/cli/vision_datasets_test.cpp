// SPDX-License-Identifier: Apache-2.0
// A data set in zip archives, from the experiment file to its score.
#include <dime/base64.hpp>

#include "cli/program.hpp"
#include "datasets/zip_files.hpp"

namespace dime::test {
namespace {

class VisionDatasetsRun : public CliTest {
 protected:
  /// The first 30 golden images, dealt out to three classes: in an archive with its index, and as a folder for each.
  VisionDatasetsRun() {
    copy_data();
    std::vector<ZipMember> members;
    std::string index;
    const auto rows = lines_of(folder_.read("data/image-0.tsv"));
    for (std::size_t i = 0; i < 30; ++i) {
      const std::size_t tab = rows[i].find('\t'), label = (i + i / 4) % 3;
      std::vector<std::uint8_t> bytes;
      base64_decode(rows[i].substr(tab + 1), bytes);
      const std::string name = rows[i].substr(0, tab) + ".png";
      members.push_back({"in/" + name, {bytes.begin(), bytes.end()}, i % 2 == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE});
      folder_.write("folders/" + names_[label] + "/" + name, members.back().bytes);
      index += "test.zip@in/" + name + " " + std::to_string(label) + "\n";
    }
    folder_.write("sets/toys/test.txt", index);
    folder_.write("sets/toys/labels.txt", names_[0] + "\n" + names_[1] + "\n" + names_[2] + "\n");
    folder_.write(
        "sets/datasets.json",
        R"([{"name": "toys", "type": "classification_multiclass", "root_folder": "toys", "labelmap": "labels.txt",
                       "test": {"index_path": "test.txt", "num_images": 30}}])");
    write_zip(folder_ / "sets/toys/test.zip", members);
  }

  static std::string task(const std::string& name, const std::string& data) {
    return "evaluate." + name + "={task: zero_shot, models: [student], text: student, data: " + data + "}";
  }

  const Words names_{"a ball", "b cube", "c ring"};
  const Words own_texts_{"data.texts.source.list=data/text.list",
                         "models.student.text={width: 32, layers: 1, heads: 1, context: 16}"};
  const std::string zip_ =
      task("zip", "{type: vision_datasets, registry: sets/datasets.json, name: toys, split: test}");
  const std::string folders_ = task("folders", "{type: image_folder, root: folders}");
};

TEST_F(VisionDatasetsRun, ScoresAsTheSameImagesInFolders) {
  Words words = own_texts_;
  words.push_back("train.steps=1");
  train("r", words);
  words.insert(words.begin(), {"eval", "toy.yaml", "--json", "--weights", "r", zip_, folders_});
  const Outcome outcome = dime(words);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto results = nlohmann::json::parse(outcome.out).at("evaluate");
  const auto& zip = results.at("zip");
  const auto& folders = results.at("folders");
  EXPECT_EQ(zip.at("samples"), 30);
  EXPECT_EQ(zip.at("accuracy"), folders.at("accuracy"));
  EXPECT_EQ(zip.at("mean_per_class"), folders.at("mean_per_class"));
}

TEST_F(VisionDatasetsRun, IsCheckedBeforeARun) {
  Words words{"check", "toy.yaml", zip_};
  words.insert(words.end(), own_texts_.begin(), own_texts_.end());
  EXPECT_EQ(dime(words).status, 0);
  std::filesystem::remove(folder_ / "sets/toys/test.zip");
  expect_error(dime(words),
               "command line: [dataset/vision_datasets] sets/toys/test.txt:1: cannot open sets/toys/test.zip: No such "
               "file or directory");
}

}  // namespace
}  // namespace dime::test
