// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

/// $DIME_SHARE_DIR for the object's life.
class ShareFolder {
 public:
  explicit ShareFolder(const std::string& folder) { setenv("DIME_SHARE_DIR", folder.c_str(), 1); }
  ~ShareFolder() { unsetenv("DIME_SHARE_DIR"); }
  ShareFolder(const ShareFolder&) = delete;
  ShareFolder& operator=(const ShareFolder&) = delete;
};

class TsvTexts : public test::DatasetTest {
 protected:
  TsvTexts() : DatasetTest("tsv_texts") {}
};

TEST_F(TsvTexts, GivesTheStringsOfTheRow) {
  folder_.write("a.tsv", "t0\t{\"captions\": [\"a cat\", \"a dog\"]}\nt1\ta plain text\nt2\t{\"tags\": [\"x+y\"]}\n");
  const auto templates = folder_.write("templates.txt", "{}.\na photo of a {}.\n");
  const auto data = make({{"list", path("a.tsv")}, {"templates", templates.string()}});
  ASSERT_EQ(data->size(), 3);
  EXPECT_TRUE(data->info().text);
  EXPECT_FALSE(data->info().image);
  EXPECT_EQ(data->get(0).key, "t0");
  EXPECT_EQ(data->where(1), "a.tsv:1 t1");
  EXPECT_THAT(data->get(0).texts, ElementsAre("a cat", "a dog"));
  EXPECT_THAT(data->get(1).texts, ElementsAre("a plain text"));
  EXPECT_THAT(data->get(2).texts, ElementsAre("x y.", "a photo of a x y."));
}

TEST_F(TsvTexts, ReadsTheGoldenTexts) {
  const auto data = make({{"list", std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/trajectory_vit/text.list"}});
  EXPECT_EQ(data->size(), 96);
  EXPECT_THAT(data->get(0).texts, ElementsAre("a photo of a blue tree bird"));
}

TEST_F(TsvTexts, TakesTheCommonTemplatesWhereNoneAreGiven) {
  folder_.write("a.tsv", "t0\t{\"task\": \"classification\", \"class_name\": \"tabby+cat\"}\n");
  std::filesystem::create_directories(folder_ / "assets/clip");
  folder_.write("assets/clip/text_templates.txt", "{}.\na {} here.\n");
  const ShareFolder share(path("."));
  EXPECT_THAT(make({{"list", path("a.tsv")}})->get(0).texts, ElementsAre("tabby cat.", "a tabby cat here."));
}

TEST_F(TsvTexts, NamesTheRowThatIsBroken) {
  const ShareFolder share(path("nothing"));
  folder_.write("a.tsv", "t0\t{no json}\nt1\t[no json\nt2\tcaf\xe9\nt3\t{\"tags\": \"cat\"}\nt4\t \n");
  const auto data = make({{"list", path("a.tsv")}});
  EXPECT_EQ(row_error(*data, 0),
            "[dataset/tsv_texts] a.tsv:0 t0: the text begins with \"{\" but is no JSON: it does not parse at byte 3");
  EXPECT_EQ(row_error(*data, 1),
            "[dataset/tsv_texts] a.tsv:1 t1: the text begins with \"[\" but is no JSON: it does not parse at byte 3");
  EXPECT_EQ(row_error(*data, 2), "[dataset/tsv_texts] a.tsv:2 t2: the text is not UTF-8 at byte 3");
  EXPECT_EQ(row_error(*data, 3),
            "[dataset/tsv_texts] a.tsv:3 t3: \"tags\" needs prompt templates, and none are given (option templates)");
  EXPECT_EQ(row_error(*data, 4), "[dataset/tsv_texts] a.tsv:4 t4: the text is empty");
}

TEST_F(TsvTexts, RefusesWrongTemplates) {
  folder_.write("a.tsv", "t0\ta cat\n");
  folder_.write("t.txt", "a photo\n");
  EXPECT_EQ(source_error({{"list", path("a.tsv")}, {"templates", path("t.txt")}}),
            "[dataset/tsv_texts] t.txt:1: a prompt template needs {} where the name goes");
  EXPECT_EQ(source_error({{"list", path("a.tsv")}, {"templates", path("none.txt")}}),
            "[dataset/tsv_texts] cannot open none.txt: No such file or directory");
}

}  // namespace
}  // namespace dime
