// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "datasets/zip_files.hpp"
#include "support/datasets.hpp"

namespace dime::test {
namespace {

using testing::ElementsAre;

std::string text_of(const Row& row) { return {row.image.begin(), row.image.end()}; }

class VisionDatasets : public DatasetTest {
 protected:
  VisionDatasets() : DatasetTest("vision_datasets") {
    std::filesystem::create_directory(folder_ / "d");
    write_zip(folder_ / "d/train.zip",
              {{"0/a b.jpg", "first"}, {"1/\xc3\xa9@x.jpg", "second", ZIP_CM_STORE}, {"e", ""}});
    folder_.write("d/more/plain.jpg", "third");
    folder_.write("d/train.txt", "train.zip@0/a b.jpg 2\r\n\n  train.zip@1/\xc3\xa9@x.jpg 0 \nmore/plain.jpg 1");
    folder_.write("d/labels.txt", "cat\r\ngrey dog\n cow \n\n");
  }

  Value options(const Options& more = {}) const {
    Value value = test::options({{"index", path("d/train.txt")}, {"labels", path("d/labels.txt")}});
    for (const auto& [key, text] : more) value.set(key, Value::scalar(text));
    return value;
  }
  /// The DataError of an index of these lines.
  std::string index_error(const std::string& lines) const {
    folder_.write("d/train.txt", lines);
    return source_error(options());
  }
  std::string labels_error(const std::string& lines) const {
    folder_.write("d/labels.txt", lines);
    return source_error(options());
  }
};

TEST_F(VisionDatasets, ReadsArchivesAndFiles) {
  const auto data = make(options());
  ASSERT_EQ(data->size(), 3);
  EXPECT_EQ(text_of(data->get(0)), "first");
  EXPECT_EQ(text_of(data->get(1)), "second");
  EXPECT_EQ(text_of(data->get(2)), "third");
  EXPECT_EQ(data->get(0).key, "train.zip@0/a b.jpg");
  EXPECT_EQ(data->get(1).key, "train.zip@1/\xc3\xa9@x.jpg");
  EXPECT_EQ(data->get(2).key, "more/plain.jpg");
  EXPECT_EQ(data->get(0).label, 2);
  EXPECT_EQ(data->get(1).label, 0);
  EXPECT_EQ(data->get(2).label, 1);
  EXPECT_EQ(data->where(1), "train.txt:3");
  EXPECT_THAT(data->info().class_names, ElementsAre("cat", "grey dog", "cow"));
  EXPECT_TRUE(data->info().image && data->info().label);
  EXPECT_FALSE(data->info().text);
  EXPECT_EQ(error_text<ArgumentError>([&] { data->get(3); }),
            "[dataset/vision_datasets] there is no row 3: the rows are 0 to 2");
}

TEST_F(VisionDatasets, GivesTheTextsOfTheClass) {
  Value value = options();
  value.set("templates", strings({"a photo of a {}.", "{}"}));
  const auto data = make(value);
  EXPECT_TRUE(data->info().text);
  EXPECT_THAT(data->get(2).texts, ElementsAre("a photo of a grey dog.", "grey dog"));
  Value bare = test::options({{"index", path("d/train.txt")}});
  EXPECT_TRUE(make(bare)->info().class_names.empty());
  bare.set("templates", strings({"{}"}));
  EXPECT_EQ(source_error(bare), "[dataset/vision_datasets] templates need class names: give labels");
}

TEST_F(VisionDatasets, TakesPathsFromTheRoot) {
  folder_.write("elsewhere/index.txt",
                "\xef\xbb\xbf"
                "train.zip@0/a b.jpg 1\nmore\\plain.jpg 2\n");
  const auto data = make({{"index", path("elsewhere/index.txt")}, {"root", path("d")}});
  EXPECT_EQ(text_of(data->get(0)), "first");
  EXPECT_EQ(text_of(data->get(1)), "third");
  EXPECT_EQ(data->get(1).key, "more\\plain.jpg");
}

TEST_F(VisionDatasets, RefusesALineThatIsNone) {
  const std::string place = "[dataset/vision_datasets] d/train.txt:2: ", first = "more/plain.jpg 1\n";
  const std::string form = ": a line is PATH LABEL, with labels counted from 0";
  EXPECT_EQ(index_error(first + "x.jpg"), place + "\"x.jpg\" has no label" + form);
  EXPECT_EQ(index_error(first + "my photo.jpg"), place + "\"photo.jpg\" is no class number" + form);
  EXPECT_EQ(index_error(first + "x.jpg -1"), place + "\"-1\" is no class number" + form);
  EXPECT_EQ(index_error(first + "x.jpg 1,"), place + "\"\" is no class number" + form);
  EXPECT_EQ(index_error(first + "x.jpg 1,2x,0"), place + "\"2x\" is no class number" + form);
  EXPECT_EQ(index_error(first + "x.jpg 9999999999"), place + "\"9999999999\" is no class number" + form);
  EXPECT_EQ(index_error(first + "x.jpg 3"), place + "the label 3 is beyond the 3 classes of d/labels.txt");
  EXPECT_EQ(index_error(first + "x.jpg 0,3"), place + "the label 3 is beyond the 3 classes of d/labels.txt");
  EXPECT_EQ(index_error(first + "@x.jpg 1"), place + "\"@x.jpg\" names no archive before the @");
  EXPECT_EQ(index_error(first + "x.zip@ 1"), place + "\"x.zip@\" names no member after the @");
  EXPECT_EQ(index_error(first + "http://host/x.jpg 1"), place + "\"http://host/x.jpg\" is a URL: only files are read");
  EXPECT_EQ(index_error(first + std::string("a\0b.jpg 1", 9)), place + "the path holds a zero byte: \"a\\x00b.jpg\"");
  EXPECT_EQ(index_error(first + std::string(65536, 'a') + " 1"),
            place + "the path is longer than 65535 bytes: \"" + std::string(200, 'a') + "…\"");
}

TEST_F(VisionDatasets, RefusesAnEmptyIndex) {
  EXPECT_EQ(index_error(" \n\n"), "[dataset/vision_datasets] d/train.txt lists no image");
  std::filesystem::remove(folder_ / "d/train.txt");
  EXPECT_EQ(source_error(options()), "[dataset/vision_datasets] cannot open d/train.txt: No such file or directory");
}

TEST_F(VisionDatasets, RefusesALabelMapWithoutAName) {
  const std::string file = "[dataset/vision_datasets] d/labels.txt";
  EXPECT_EQ(labels_error("\n"), file + " holds no class name");
  EXPECT_EQ(labels_error("cat\n\ncow\n"), file + ":2: the line is blank, where the name of class 1 belongs");
  EXPECT_EQ(labels_error("cat\n\xff\ncow\n"), file + ":2: the class name is not UTF-8");
  EXPECT_EQ(labels_error("cat\ncow\n cat\n"),
            file + ":3: \"cat\" is also the name of line 1: give each class a name of its own");
  std::filesystem::remove(folder_ / "d/labels.txt");
  EXPECT_EQ(source_error(options()), "[dataset/vision_datasets] cannot open d/labels.txt: No such file or directory");
}

TEST_F(VisionDatasets, RefusesOptionsThatDoNotFit) {
  const std::string name = "[dataset/vision_datasets] ";
  EXPECT_EQ(source_error(Options{}), name + "give either index, or registry with name and split");
  EXPECT_EQ(source_error(options({{"registry", "r.json"}})),
            name + "give either index, or registry with name and split");
  EXPECT_EQ(source_error({{"registry", "r.json"}, {"name", "x"}}), name + "registry needs name and split");
  EXPECT_EQ(source_error(options({{"split", "val"}})),
            name + "name, split and version are of a registry, but index is given");
}

TEST_F(VisionDatasets, NamesARowThatIsBroken) {
  folder_.write("d/train.txt",
                "train.zip@gone.jpg 0\ntrain.zip@e 0\nmore/gone.jpg 0\nmore 0\nmore/plain.jpg 0,2\nmore/fifo 1\n"
                "train.zip@0/A B.jpg 0\n");
  ASSERT_EQ(::mkfifo((folder_ / "d/more/fifo").c_str(), 0600), 0);
  const auto data = make(options());
  const std::string name = "[dataset/vision_datasets] ";
  EXPECT_EQ(row_error(*data, 0), name + "train.zip@gone.jpg: the archive holds no such member");
  EXPECT_EQ(row_error(*data, 1), name + "train.zip@e: the file is empty");
  EXPECT_EQ(row_error(*data, 2), name + "more/gone.jpg: cannot open d/more/gone.jpg: No such file or directory");
  EXPECT_EQ(row_error(*data, 3), name + "more: cannot read d/more: Is a directory");
  EXPECT_EQ(row_error(*data, 4), name + "more/plain.jpg: it has several labels, not one");
  EXPECT_EQ(row_error(*data, 5), name + "more/fifo: cannot read d/more/fifo: it is no regular file");
  EXPECT_EQ(row_error(*data, 6), name + "train.zip@0/A B.jpg: the archive holds no such member");
}

}  // namespace
}  // namespace dime::test
