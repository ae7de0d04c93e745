// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

class ImageFolder : public test::DatasetTest {
 protected:
  ImageFolder() : DatasetTest("image_folder") {}

  std::shared_ptr<Dataset> open() const { return make({{"root", path("root")}}); }
  std::string refusal() const { return source_error({{"root", path("root")}}); }
};

std::vector<std::string> keys(const Dataset& data) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).key);
  return all;
}

TEST_F(ImageFolder, TakesSubFoldersAsClasses) {
  folder_.write("root/dog/b.JPG", "2");
  folder_.write("root/dog/a/z.jpeg", "1");
  folder_.write("root/cat/x.png", "0");
  folder_.write("root/cat/notes.txt", "-");
  folder_.write("root/cat/.hidden.png", "-");
  folder_.write("root/.git/x.png", "-");
  folder_.write("root/README", "-");
  const auto data = open();
  EXPECT_THAT(keys(*data), ElementsAre("cat/x.png", "dog/a/z.jpeg", "dog/b.JPG"));
  EXPECT_THAT(data->info().class_names, ElementsAre("cat", "dog"));
  EXPECT_TRUE(data->info().image && data->info().label);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(data->get(i).image, std::vector<std::uint8_t>{static_cast<std::uint8_t>('0' + i)});
  EXPECT_EQ(data->get(0).label, 0);
  EXPECT_EQ(data->get(1).label, 1);
  EXPECT_EQ(data->get(2).label, 1);
}

TEST_F(ImageFolder, TakesAFlatFolderWithoutLabels) {
  folder_.write("root/b.png", "1");
  folder_.write("root/a.png", "0");
  const auto data = open();
  EXPECT_THAT(keys(*data), ElementsAre("a.png", "b.png"));
  EXPECT_FALSE(data->info().label);
  EXPECT_FALSE(data->get(0).label);
  EXPECT_TRUE(data->info().class_names.empty());
}

TEST_F(ImageFolder, TakesEveryFormat) {
  for (const char* name : {"a.bmp", "b.GIF", "c.jpeg", "d.jpg", "e.png", "f.WebP"})
    folder_.write(std::string("root/") + name, "x");
  for (const char* name : {"g.tiff", "gif", "h.webp.txt"}) folder_.write(std::string("root/") + name, "-");
  EXPECT_THAT(keys(*open()), ElementsAre("a.bmp", "b.GIF", "c.jpeg", "d.jpg", "e.png", "f.WebP"));
}

TEST_F(ImageFolder, FollowsLinksToFoldersElsewhere) {
  folder_.write("elsewhere/x.png", "0");
  folder_.write("elsewhere/.thumbnails/x.png", "-");
  folder_.write("root/cat/y.png", "1");
  std::filesystem::create_directory_symlink("../../elsewhere", folder_ / "root/cat/more");
  std::filesystem::create_directory_symlink("../elsewhere", folder_ / "root/dog");
  std::filesystem::create_symlink("nowhere", folder_ / "root/cat/gone.png");
  EXPECT_THAT(keys(*open()), ElementsAre("cat/more/x.png", "cat/y.png", "dog/x.png"));
}

TEST_F(ImageFolder, RefusesALinkThatLeadsBack) {
  folder_.write("root/a/x.png", "0");
  folder_.write("root/b/y.png", "1");
  const auto refusal_of = [&](const char* target, const char* link) {
    std::filesystem::create_directory_symlink(target, folder_ / link);
    const std::string message = refusal();
    std::filesystem::remove(folder_ / link);
    return message;
  };
  const std::string begin = "[dataset/image_folder] the link ";
  EXPECT_EQ(refusal_of(".", "root/a/s1"),
            begin + "root/a/s1 leads back to the folder root/a, which holds it: remove the link");
  EXPECT_EQ(refusal_of("..", "root/b/up"),
            begin + "root/b/up leads back to the folder root, which holds it: remove the link");
  EXPECT_EQ(refusal_of(".", "root/self"),
            begin + "root/self leads back to the folder root, which holds it: remove the link");
  const std::string above = std::filesystem::canonical(folder_.path()).string();
  EXPECT_EQ(refusal_of("../..", "root/a/far"),
            begin + "root/a/far leads back to the folder " + above + ", which holds it: remove the link");
  std::filesystem::create_directories(folder_ / "other/sub");
  std::filesystem::create_directory_symlink("../../other", folder_ / "root/b/out");
  EXPECT_EQ(refusal_of("../../root/b", "other/sub/in"),
            begin + "root/b/out/sub/in leads back to the folder root/b, which holds it: remove the link");
}

TEST_F(ImageFolder, NamesALinkThatLeadsToItself) {
  folder_.write("root/a/x.png", "0");
  std::filesystem::create_symlink("y.png", folder_ / "root/a/y.png");
  EXPECT_EQ(refusal(), "[dataset/image_folder] cannot read root/a/y.png: Too many levels of symbolic links");
}

TEST_F(ImageFolder, PrintsNamesOnOneLine) {
  folder_.write("root/a\n.png", "");
  const auto data = open();
  EXPECT_EQ(row_error(*data, 0), "[dataset/image_folder] a\\x0A.png: the file is empty");
  EXPECT_EQ(folder_.shown(data->where(0)), "root/a\\x0A.png");
}

TEST_F(ImageFolder, NamesAFileThatIsBroken) {
  folder_.write("root/a.png", "");
  folder_.write("root/b.png", "1");
  const auto data = open();
  EXPECT_EQ(row_error(*data, 0), "[dataset/image_folder] a.png: the file is empty");
  std::filesystem::remove(folder_ / "root/b.png");
  EXPECT_EQ(row_error(*data, 1), "[dataset/image_folder] b.png: cannot open root/b.png: No such file or directory");
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(2); }),
            "[dataset/image_folder] there is no row 2: the rows are 0 to 1");
}

TEST_F(ImageFolder, RefusesASourceThatCannotBeUsed) {
  EXPECT_EQ(refusal(), "[dataset/image_folder] cannot read the folder root: No such file or directory");
  folder_.write("root/notes.txt", "-");
  EXPECT_EQ(refusal(), "[dataset/image_folder] root holds no .jpg, .jpeg, .png, .webp, .bmp or .gif file");
  folder_.write("root/cat/x.png", "0");
  std::filesystem::create_directory(folder_ / "root/dog");
  EXPECT_EQ(refusal(),
            "[dataset/image_folder] the class folder root/dog holds no .jpg, .jpeg, .png, .webp, .bmp or .gif file; "
            "remove it or fill it");
  folder_.write("root/x.png", "0");
  EXPECT_EQ(refusal(),
            "[dataset/image_folder] root holds both images (x.png) and folders (cat): keep one or the other");
}

}  // namespace
}  // namespace dime
