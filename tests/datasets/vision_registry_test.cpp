// SPDX-License-Identifier: Apache-2.0
// The JSON of vision_datasets: the registry of data sets, and images in COCO's form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/zip_files.hpp"
#include "support/datasets.hpp"

namespace dime::test {
namespace {

using testing::ElementsAre;

constexpr const char* kName = "[dataset/vision_datasets] ";

std::vector<std::string> keys(const Dataset& data) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).key);
  return all;
}

class VisionRegistry : public DatasetTest {
 protected:
  VisionRegistry() : DatasetTest("vision_datasets") {
    std::filesystem::create_directories(folder_ / "all/set1");
    write_zip(folder_ / "all/set1/test.zip", {{"a.jpg", "a"}, {"b.jpg", "b"}});
    folder_.write("all/set1/train.txt", "test.zip@a.jpg 1\n");
    folder_.write("all/set1/test.txt", "test.zip@a.jpg 1\ntest.zip@b.jpg 0\n");
    folder_.write("all/set1/labels.txt", "cat\ncow\n");
    folder_.write("all/set2/test.txt", "x.jpg 0\n");
    folder_.write("all/set2/x.jpg", "x");
    registry(R"([{"name": "pets", "version": 2, "type": "classification_multiclass", "root_folder": "set1",
                  "train": {"index_path": "train.txt", "files_for_local_usage": ["test.zip"], "num_images": 1},
                  "test": {"index_path": "test.txt", "files_for_local_usage": ["test.zip"], "num_images": 2},
                  "labelmap": "labels.txt", "num_classes": 2},
                 {"name": "pets", "type": "Image_Classification_MultiLabel", "root_folder": "set2", "format": "IRIS",
                  "test": {"index_path": "test.txt"}},
                 {"name": "boxes", "type": "object_detection", "test": {"index_path": "x"}}])");
  }

  void registry(const std::string& json) const { folder_.write("all/datasets.json", json); }
  Options of(const std::string& name, const std::string& split, const Options& more = {}) const {
    Options options{{"registry", path("all/datasets.json")}, {"name", name}, {"split", split}};
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }
  std::string error(const std::string& name, const std::string& split, const Options& more = {}) const {
    return source_error(of(name, split, more));
  }
};

TEST_F(VisionRegistry, FindsTheFilesOfASplit) {
  const auto data = make(of("pets", "test"));
  EXPECT_THAT(keys(*data), ElementsAre("test.zip@a.jpg", "test.zip@b.jpg"));
  EXPECT_THAT(data->info().class_names, ElementsAre("cat", "cow"));
  EXPECT_EQ(data->get(0).label, 1);
  EXPECT_EQ(make(of("pets", "train"))->size(), 1);
  EXPECT_THAT(keys(*make(of("pets", "test", {{"version", "2"}}))), ElementsAre("test.zip@a.jpg", "test.zip@b.jpg"));
  const auto first = make(of("pets", "test", {{"version", "1"}}));
  EXPECT_THAT(keys(*first), ElementsAre("x.jpg"));
  EXPECT_TRUE(first->info().class_names.empty());
}

TEST_F(VisionRegistry, TakesARootAndLabelsOfTheUser) {
  std::filesystem::create_directory(folder_ / "here");
  std::filesystem::rename(folder_ / "all/set1", folder_ / "here/set1");
  folder_.write("names.txt", "Katze\nKuh\n");
  const auto data = make(of("pets", "test", {{"root", path("here")}, {"labels", path("names.txt")}}));
  EXPECT_EQ(data->get(1).image.size(), 1U);
  EXPECT_THAT(data->info().class_names, ElementsAre("Katze", "Kuh"));
}

TEST_F(VisionRegistry, NamesWhatThereIs) {
  const std::string file = std::string(kName) + "all/datasets.json";
  EXPECT_EQ(error("pet", "test"), file + " has no data set \"pet\" (did you mean \"pets\"?); it has: pets, boxes");
  EXPECT_EQ(error("imagenet", "test"), file + " has no data set \"imagenet\"; it has: pets, boxes");
  EXPECT_EQ(error("pets", "test", {{"version", "3"}}), file + " has no version 3 of \"pets\"; it has: 2, 1");
  EXPECT_EQ(error("pets", "val"), file + ": [0] (\"pets\") has no split \"val\"; it has: train, test");
  EXPECT_EQ(error("boxes", "test"),
            file +
                ": [2] (\"boxes\") is of the type \"object_detection\"; read are image_classification_multiclass, "
                "image_classification_multilabel, classification_multiclass, classification_multilabel");
}

TEST_F(VisionRegistry, RefusesARegistryThatIsNone) {
  const std::string file = std::string(kName) + "all/datasets.json";
  const auto refusal = [&](const std::string& json) {
    registry(json);
    return error("x", "test");
  };
  const std::string type = R"("name": "x", "type": "classification_multiclass")";
  EXPECT_EQ(refusal("[{]"), file + " is no JSON: it does not parse at byte 3");
  EXPECT_EQ(refusal("[1e999]"), file + " is no JSON: it holds a number out of range");
  EXPECT_EQ(refusal("{}"), file + " is no registry: it should be a JSON list of data sets");
  EXPECT_EQ(refusal("[]"), file + " has no data set \"x\"; it is empty");
  EXPECT_EQ(refusal("[3]"), file + ": [0] is no object");
  EXPECT_EQ(refusal("[{}]"), file + ": [0] has no \"name\"");
  EXPECT_EQ(refusal(R"([{"name": 3}])"), file + ": [0] has a \"name\" that is no string");
  EXPECT_EQ(refusal(R"([{"name": "x"}])"), file + ": [0] has no \"type\"");
  EXPECT_EQ(refusal("[{" + type + R"(, "version": "1"}])"), file + ": [0] has a \"version\" that is no integer");
  EXPECT_EQ(refusal("[{" + type + R"(, "version": 9223372036854775808}])"),
            file + ": [0] has a \"version\" that is no integer");
  EXPECT_EQ(refusal("[{" + type + R"(, "format": "tsv"}])"),
            file + ": [0] (\"x\") has the format \"tsv\"; read are iris, coco");
  EXPECT_EQ(refusal("[{" + type + "}]"), file + ": [0] (\"x\") has no split \"test\"");
  EXPECT_EQ(refusal("[{" + type + R"(, "test": "x"}])"), file + ": [0].test is no object");
  EXPECT_EQ(refusal("[{" + type + R"(, "test": {}}])"), file + ": [0].test has no \"index_path\"");
  EXPECT_EQ(refusal("[{" + type + R"(, "test": {"index_path": "gone.txt"}}])"),
            std::string(kName) + "cannot open all/gone.txt: No such file or directory");
}

TEST_F(VisionRegistry, RefusesAnIndexThatIsNotWhole) {
  folder_.write("all/set1/test.txt", "test.zip@a.jpg 1\n");
  EXPECT_EQ(error("pets", "test"),
            std::string(kName) +
                "all/set1/test.txt lists 1 images, but all/datasets.json says that there are 2: one of the two is not "
                "whole");
}

class VisionCoco : public DatasetTest {
 protected:
  VisionCoco() : DatasetTest("vision_datasets") {
    write_zip(folder_ / "i.zip", {{"f/a.jpg", "aa"}});
    folder_.write("b.jpg", "b");
  }

  const std::string images_ =
      R"("images": [{"id": 9, "file_name": "b.jpg"}, {"id": 4, "zip_file": "i.zip", "file_name": "f/a.jpg"}])";
  const std::string annotations_ =
      R"("annotations": [{"id": 1, "image_id": 9, "category_id": 3}, {"id": 2, "image_id": 4, "category_id": 8}])";
  const std::string categories_ = R"("categories": [{"id": 8, "name": "dog"}, {"id": 3, "name": "cat"}])";

  Options write(const std::string& images, const std::string& annotations, const std::string& categories) const {
    folder_.write("coco.json", "{" + images + ", " + annotations + ", " + categories + "}");
    return {{"index", path("coco.json")}};
  }
  std::string images_error(const std::string& images) const {
    return source_error(write("\"images\": " + images, annotations_, categories_));
  }
  std::string annotations_error(const std::string& annotations) const {
    return source_error(write(images_, "\"annotations\": " + annotations, categories_));
  }
  std::string categories_error(const std::string& categories) const {
    return source_error(write(images_, annotations_, "\"categories\": " + categories));
  }
};

TEST_F(VisionCoco, ReadsImagesAndCategoriesByTheirIds) {
  const auto data = make(write(images_, annotations_, categories_));
  EXPECT_THAT(keys(*data), ElementsAre("i.zip@f/a.jpg", "b.jpg"));
  EXPECT_EQ(data->get(0).image.size(), 2U);
  EXPECT_EQ(data->get(1).image.size(), 1U);
  EXPECT_EQ(data->get(0).label, 1);
  EXPECT_EQ(data->get(1).label, 0);
  EXPECT_THAT(data->info().class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(data->where(0), "coco.json: images[1]");
}

TEST_F(VisionCoco, IsFoundByARegistry) {
  write(images_, annotations_, categories_);
  std::filesystem::rename(folder_ / "coco.json", folder_ / "meta");
  folder_.write("r.json", R"([{"name": "x", "type": "classification_multiclass", "format": "coco",
                               "val": {"index_path": "meta", "num_images": 2}}])");
  EXPECT_EQ(make({{"registry", path("r.json")}, {"name", "x"}, {"split", "val"}})->size(), 2);
}

TEST_F(VisionCoco, ARowOfSeveralLabelsIsBroken) {
  const auto data = make(write(images_,
                               R"("annotations": [{"image_id": 9, "category_id": 3}, {"image_id": 4, "category_id": 8},
                                                  {"image_id": 9, "category_id": 8}, {"image_id": 9, "category_id": 3}])",
                               categories_));
  EXPECT_EQ(data->get(0).label, 1);
  EXPECT_EQ(row_error(*data, 1), std::string(kName) + "b.jpg: it has several labels, not one");
}

TEST_F(VisionCoco, RefusesAFileThatIsNone) {
  const std::string file = std::string(kName) + "coco.json";
  EXPECT_EQ(source_error({{"index", path("coco.json")}}),
            std::string(kName) + "cannot open coco.json: No such file or directory");
  folder_.write("coco.json", "[]");
  EXPECT_EQ(source_error({{"index", path("coco.json")}}), file + " is no COCO file: it has no list \"categories\"");
  folder_.write("coco.json", "{\"images\": [\"\xff\"]}");
  EXPECT_EQ(source_error({{"index", path("coco.json")}}), file + " is no JSON: it does not parse at byte 14");
  auto options = write(images_, annotations_, categories_);
  options.emplace_back("labels", "x");
  EXPECT_EQ(source_error(options),
            std::string(kName) + "labels are not for coco.json: a COCO file has the classes itself");
}

TEST_F(VisionCoco, RefusesImagesThatAreNone) {
  const std::string file = std::string(kName) + "coco.json";
  EXPECT_EQ(images_error("3"), file + " is no COCO file: it has no list \"images\"");
  EXPECT_EQ(images_error("[]"), file + " lists no image");
  EXPECT_EQ(images_error(R"([{"id": "9"}])"), file + ": images[0] has a \"id\" that is no integer");
  EXPECT_EQ(images_error(R"([{"id": 9}, {"id": 4}])"), file + ": images[1] has no \"file_name\"");
  EXPECT_EQ(images_error(R"([{"id": 9}, {"id": 4}, {"id": 9}])"),
            file + ": two images have the id 9: give each its own");
  EXPECT_EQ(images_error(R"([{"id": 9, "file_name": "b.jpg"}, {"id": 4, "file_name": "b.jpg"}, {"id": 7}])"),
            file + ": images[2] has no annotation, and so no label");
  EXPECT_EQ(images_error(R"([{"id": 9}, {"id": 4, "file_name": "a\u0000"}])"),
            file + ": images[1] cannot be read: the path holds a zero byte: \"a\\x00\"");
  EXPECT_EQ(images_error(R"([{"id": 9}, {"id": 4, "file_name": "a.jpg", "zip_file": "gone.zip"}])"),
            file + ": images[0] has no \"file_name\"");
  EXPECT_EQ(images_error(R"([{"id": 9, "file_name": "b"}, {"id": 4, "file_name": "a.jpg", "zip_file": "gone.zip"}])"),
            file + ": images[1]: cannot open gone.zip: No such file or directory");
}

TEST_F(VisionCoco, RefusesAnnotationsThatAreNone) {
  const std::string file = std::string(kName) + "coco.json";
  EXPECT_EQ(annotations_error(R"([{"image_id": 9, "category_id": 3}, {"image_id": 5, "category_id": 3}])"),
            file + ": annotations[1] is of the image 5, which there is not");
  EXPECT_EQ(annotations_error(R"([{"image_id": 9, "category_id": 4}])"),
            file + ": annotations[0] is of the category 4, which there is not");
  EXPECT_EQ(annotations_error(R"([{"image_id": 9}])"), file + ": annotations[0] has no \"category_id\"");
}

TEST_F(VisionCoco, RefusesCategoriesThatAreNone) {
  const std::string file = std::string(kName) + "coco.json";
  EXPECT_EQ(categories_error("[]"), file + " has no categories");
  EXPECT_EQ(categories_error(R"([{"id": 1, "name": " "}])"), file + ": categories[0] has a blank \"name\"");
  EXPECT_EQ(categories_error(R"([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}])"),
            file + ": categories[1] has the id of one before it");
  EXPECT_EQ(categories_error(R"([{"id": 1, "name": "a"}, {"id": 2, "name": "a"}])"),
            file + ": categories[1] has the name of categories[0], \"a\": give each class a name of its own");
}

}  // namespace
}  // namespace dime::test
