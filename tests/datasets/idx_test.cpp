// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

// An IDX file: magic, sizes, bytes.
std::string idx(const std::vector<std::uint32_t>& sizes, const std::string& bytes) {
  std::string file("\0\0\x08", 3);
  file.push_back(static_cast<char>(sizes.size()));
  for (const std::uint32_t n : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<char>(n >> shift & 0xff));
  }
  return file + bytes;
}

class Idx : public test::DatasetTest {
 protected:
  Idx() : DatasetTest("idx") {
    folder_.write("images", idx({2, 2, 3}, "abcdefghijkl"));
    folder_.write("labels", idx({2}, std::string("\1\0", 2)));
  }

  Value both() const { return test::options({{"images", path("images")}, {"labels", path("labels")}}); }
  Value named() const {
    Value value = both();
    value.set("class_names", test::strings({"cat", "dog"}));
    value.set("templates", test::strings({"{}.", "a photo of a {}."}));
    return value;
  }
};

TEST_F(Idx, GivesPixelsAndLabels) {
  const auto data = make(both());
  ASSERT_EQ(data->size(), 2);
  EXPECT_TRUE(data->info().image && data->info().label);
  EXPECT_FALSE(data->info().text);
  const Row row = data->get(1);
  EXPECT_EQ(row.key, "1");
  EXPECT_EQ(std::string(row.image.begin(), row.image.end()), "ghijkl");
  ASSERT_TRUE(row.pixels);
  EXPECT_EQ(row.pixels->height, 2);
  EXPECT_EQ(row.pixels->width, 3);
  EXPECT_EQ(row.pixels->channels, 1);
  EXPECT_EQ(row.label, 0);
  EXPECT_EQ(data->get(0).label, 1);
  EXPECT_EQ(data->where(1), "images:1");
}

TEST_F(Idx, GivesTheTextsOfTheClass) {
  const auto data = make(named());
  EXPECT_TRUE(data->info().text);
  EXPECT_THAT(data->info().class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(data->get(0).texts, ElementsAre("dog.", "a photo of a dog."));
}

TEST_F(Idx, WorksWithoutLabels) {
  const auto data = make({{"images", path("images")}});
  EXPECT_FALSE(data->info().label);
  EXPECT_FALSE(data->get(0).label);
}

TEST_F(Idx, UnpacksGzip) {
  const std::string bytes = idx({1, 1, 2}, "xy");
  gzFile out = gzopen(path("packed").c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  const auto data = make({{"images", path("packed")}});
  ASSERT_EQ(data->size(), 1);
  EXPECT_THAT(data->get(0).image, ElementsAre('x', 'y'));
}

TEST_F(Idx, RefusesADamagedFile) {
  const auto refusal = [&](const std::string& content) {
    folder_.write("images", content);
    return source_error({{"images", path("images")}});
  };
  const std::string name = "[dataset/idx] images: ";
  EXPECT_EQ(refusal(""), name + "no IDX file of images (it does not begin with the number 2051 and its sizes)");
  EXPECT_EQ(refusal(idx({2}, "ab")),
            name + "no IDX file of images (it does not begin with the number 2051 and its sizes)");
  EXPECT_EQ(refusal(idx({2, 2, 2}, "abcdefg")), name + "its sizes ask for 8 bytes, but it holds 7");
  EXPECT_EQ(refusal(idx({2, 2, 2}, "abcdefghi")), name + "its sizes ask for 8 bytes, but it holds 9");
  EXPECT_EQ(refusal(idx({0, 2, 2}, "")), name + "it holds nothing: one of its sizes is 0");
  const std::uint32_t most = 0xffffffff;
  EXPECT_EQ(refusal(idx({most, most, most}, "")), name + "its sizes are too large");
  EXPECT_EQ(refusal(idx({1, 1, 65536}, std::string(65536, 'x'))),
            name + "an image is larger than 65535 pixels on a side");
}

TEST_F(Idx, RefusesLabelsThatDoNotFit) {
  folder_.write("three", idx({3}, "abc"));
  Value value = both();
  value.set("labels", Value::scalar(path("three")));
  EXPECT_EQ(source_error(value), "[dataset/idx] three has 3 labels for the 2 images of images");
  value = named();
  value.set("class_names", test::strings({"cat"}));
  EXPECT_EQ(source_error(value), "[dataset/idx] labels: row 0 has the label 1, but there are 1 class_names");
}

TEST_F(Idx, RefusesOptionsThatDoNotFit) {
  Value value = named();
  value.erase("class_names");
  EXPECT_EQ(source_error(value), "[dataset/idx] templates need class_names");
  value = named();
  value.erase("labels");
  EXPECT_EQ(source_error(value), "[dataset/idx] class_names need labels");
  value = named();
  value.set("class_names", test::strings({"", "dog"}));
  EXPECT_EQ(source_error(value), "[dataset/idx] class_names: the name of label 0 is empty: give it one");
  value = named();
  value.set("templates", test::strings({"a photo"}));
  EXPECT_EQ(source_error(value),
            "[dataset/idx] templates: \"a photo\": a prompt template needs {} where the name goes");
  EXPECT_EQ(source_error({{"images", path("none")}}), "[dataset/idx] cannot open none: No such file or directory");
}

TEST_F(Idx, ReadsFashionMnist) {
  const std::string folder = "/usr/share/datasets/fashion-mnist/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "Debian's package dataset-fashion-mnist is not installed";
  const auto data =
      make({{"images", folder + "t10k-images-idx3-ubyte.gz"}, {"labels", folder + "t10k-labels-idx1-ubyte.gz"}});
  ASSERT_EQ(data->size(), 10000);
  std::array<int, 10> rows{};
  for (std::int64_t i = 0; i < data->size(); ++i) ++rows.at(static_cast<std::size_t>(*data->get(i).label));
  EXPECT_THAT(rows, testing::Each(1000));
  EXPECT_EQ(data->get(0).pixels->height, 28);
}

}  // namespace
}  // namespace dime
