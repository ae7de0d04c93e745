// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

class TextLines : public test::DatasetTest {
 protected:
  TextLines() : DatasetTest("text_lines") {}
};

TEST_F(TextLines, GivesOneTextALine) {
  const auto data = make({{"file", folder_.write("s.txt", "a cat\r\n\n  \n  {a dog}  \nlast").string()}});
  ASSERT_EQ(data->size(), 3);
  EXPECT_TRUE(data->info().text);
  EXPECT_EQ(data->get(0).key, "1");
  EXPECT_THAT(data->get(0).texts, ElementsAre("a cat"));
  EXPECT_EQ(data->get(1).key, "4");
  EXPECT_EQ(data->where(1), "s.txt:4");
  EXPECT_THAT(data->get(1).texts, ElementsAre("{a dog}"));
  EXPECT_THAT(data->get(2).texts, ElementsAre("last"));
}

TEST_F(TextLines, UnpacksGzip) {
  gzFile out = gzopen(path("s.gz").c_str(), "wb");
  gzputs(out, "one\ntwo\n");
  gzclose(out);
  const auto data = make({{"file", path("s.gz")}});
  ASSERT_EQ(data->size(), 2);
  EXPECT_THAT(data->get(1).texts, ElementsAre("two"));
}

TEST_F(TextLines, NamesTheLineThatIsBroken) {
  const auto data = make({{"file", folder_.write("s.txt", "good\n\ncaf\xe9\n").string()}});
  EXPECT_EQ(row_error(*data, 1), "[dataset/text_lines] s.txt:3: the text is not UTF-8 at byte 3");
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(2); }),
            "[dataset/text_lines] there is no row 2: the rows are 0 to 1");
}

TEST_F(TextLines, RefusesASourceThatCannotBeUsed) {
  EXPECT_EQ(source_error({{"file", path("none.txt")}}),
            "[dataset/text_lines] cannot open none.txt: No such file or directory");
  EXPECT_EQ(source_error({{"file", folder_.write("s.txt", "\n \n").string()}}),
            "[dataset/text_lines] s.txt holds no text");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(source_error({{"file", path("pipe")}}), "[dataset/text_lines] cannot read pipe: it is no regular file");
  folder_.write("cut.gz", "\x1f\x8b\x08");
  EXPECT_EQ(source_error({{"file", path("cut.gz")}}),
            "[dataset/text_lines] cut.gz is cut short: the gzip stream has no end");
}

}  // namespace
}  // namespace dime
