// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/datasets.hpp"

namespace dime {
namespace {

class TsvImages : public test::DatasetTest {
 protected:
  TsvImages() : DatasetTest("tsv_images") {}
};

TEST_F(TsvImages, GivesTheBytesOfTheImage) {
  folder_.write("a.tsv", "img0\tZm9v\nimg1\tYmE=\n");
  folder_.write("b.tsv", "img2\tYg==\textra\n");
  const auto data = make({{"list", folder_.write("all.list", "a.tsv\nb.tsv\n").string()}});
  ASSERT_EQ(data->size(), 3);
  EXPECT_TRUE(data->info().image);
  EXPECT_FALSE(data->info().text || data->info().label || data->info().vector_width != 0);
  const Row row = data->get(1);
  EXPECT_EQ(row.key, "img1");
  EXPECT_EQ(row.image, (std::vector<std::uint8_t>{'b', 'a'}));
  EXPECT_FALSE(row.pixels || row.label);
  EXPECT_EQ(data->get(2).image, (std::vector<std::uint8_t>{'b'}));
  EXPECT_EQ(data->where(2), "b.tsv:0 img2");
}

TEST_F(TsvImages, JoinsTheRoot) {
  folder_.write("data/a.tsv", "img0\tZm9v\n");
  folder_.write("all.list", "a.tsv\n");
  EXPECT_EQ(make({{"list", path("all.list")}, {"root", path("data")}})->size(), 1);
}

TEST_F(TsvImages, NamesTheRowThatIsBroken) {
  folder_.write("a.tsv", "img0\tZm9v\nimg1\tZm*v\nimg2\tZm9\nimg3\t\nimg4 Zm9v\n");
  const auto data = make({{"list", path("a.tsv")}});
  EXPECT_EQ(row_error(*data, 1), "[dataset/tsv_images] a.tsv:1 img1: byte 2 is not base64: '*'");
  EXPECT_EQ(row_error(*data, 2),
            "[dataset/tsv_images] a.tsv:2 img2: not base64: 3 characters are no multiple of 4 (cut short, or without "
            "padding)");
  EXPECT_EQ(row_error(*data, 3), "[dataset/tsv_images] a.tsv:3 img3: the image is empty");
  EXPECT_EQ(row_error(*data, 4), "[dataset/tsv_images] a.tsv:4: the row has no tab between key and payload");
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(5); }),
            "[dataset/tsv_images] there is no row 5: the rows are 0 to 4");
}

TEST_F(TsvImages, RefusesASourceThatCannotBeUsed) {
  EXPECT_EQ(source_error({{"list", path("none.list")}}),
            "[dataset/tsv_images] cannot open none.list: No such file or directory");
  folder_.write("all.list", "a.tsv\n");
  EXPECT_EQ(source_error({{"list", path("all.list")}}),
            "[dataset/tsv_images] all.list:1: cannot open a.tsv: No such file or directory");
  folder_.write("a.tsv", "");
  EXPECT_EQ(source_error({{"list", path("all.list")}}), "[dataset/tsv_images] all.list:1: the shard a.tsv is empty");
  folder_.write("a.tsv", "img0\tZm9v\nimg1\tZm9v\n");
  folder_.write("a.lineidx", "0\n");
  EXPECT_EQ(source_error({{"list", path("all.list")}}),
            "[dataset/tsv_images] all.list:1: a.tsv does not fit its index: a.lineidx:1: the index ends here, but the "
            "shard has more "
            "rows after offset 0; delete the index to have it made anew");
}

TEST_F(TsvImages, RefusesAnIndexThatIsWrongInTheMiddle) {
  folder_.write("a.tsv", "img0\tZm9v\nimg1\tZm9v\nimg2\tZm9v\n");
  folder_.write("a.lineidx", "0\n11\n20\n");
  const auto data = make({{"list", path("a.tsv")}});
  try {
    data->get(1);
    FAIL() << "threw nothing";
  } catch (const DataError& e) {
    EXPECT_EQ(folder_.shown(e.what()),
              "[dataset/tsv_images] a.tsv does not fit its index: a.lineidx:2: offset 11 is not the start of a row; "
              "delete the index to "
              "have it made anew");
    // Another row in its place would hide that every row may be wrong.
    EXPECT_EQ(dynamic_cast<const RowError*>(&e), nullptr);
  }
}

TEST_F(TsvImages, NeedsItsList) {
  EXPECT_EQ(test::error_text<ConfigError>([&] { make(test::Options{}); }),
            "[dataset/tsv_images] dataset \"tsv_images\" needs option \"list\" (A .list file, one shard a line, read "
            "in that order; or a single .tsv.)");
}

}  // namespace
}  // namespace dime
