// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <dime/tsv.hpp>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

class TsvFeatures : public test::DatasetTest {
 protected:
  TsvFeatures() : DatasetTest("tsv_features") {}

  // Writes f.list of one shard with these vectors, keyed v0, v1, …
  std::string write(const std::vector<std::vector<float>>& vectors) {
    TsvWriter writer(folder_ / "f");
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(vectors[i].data());
      writer.add_base64(std::string("v").append(std::to_string(i)), {bytes, vectors[i].size() * sizeof(float)});
    }
    writer.close();
    return path("f.list");
  }
};

TEST_F(TsvFeatures, GivesTheVector) {
  const auto data = make({{"list", write({{1, 2.5, -3}, {4, 5, 6}})}, {"width", "3"}});
  ASSERT_EQ(data->size(), 2);
  EXPECT_EQ(data->info().vector_width, 3);
  EXPECT_EQ(data->get(0).key, "v0");
  EXPECT_THAT(data->get(0).vector, ElementsAre(1, 2.5, -3));
  EXPECT_THAT(data->get(1).vector, ElementsAre(4, 5, 6));
}

TEST_F(TsvFeatures, ReadsTheGoldenVectors) {
  const auto data =
      make({{"list", std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/trajectory_vit/image-feat.list"}});
  EXPECT_EQ(data->size(), 1280);
  EXPECT_EQ(data->info().vector_width, 48);
  EXPECT_EQ(data->get(1279).vector.size(), 48u);
}

TEST_F(TsvFeatures, NamesAVectorOfAnotherWidth) {
  const auto data = make({{"list", write({{1, 2, 3}, {1, 2, 3}, {4, 5}})}});
  EXPECT_EQ(row_error(*data, 2),
            "[dataset/tsv_features] f-0.tsv:2 v2: the vector has 2 numbers, but row 0 (f-0.tsv:0 v0) has 3");
}

TEST_F(TsvFeatures, NamesTheRowThatIsBroken) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write({{1, 2}, {3, nan}});
  const auto data = make({{"list", path("f.list")}});
  EXPECT_EQ(row_error(*data, 1), "[dataset/tsv_features] f-0.tsv:1 v1: number 1 of the vector is not finite");
  folder_.write("a.tsv", "v0\tAACAPwAAgD8=\nv1\tAAAA\nv2\tAAAAA?==\nv3\t\n");
  const auto broken = make({{"list", path("a.tsv")}});
  EXPECT_EQ(row_error(*broken, 1), "[dataset/tsv_features] a.tsv:1 v1: 3 bytes are no whole number of float32");
  EXPECT_EQ(row_error(*broken, 2), "[dataset/tsv_features] a.tsv:2 v2: byte 5 is not base64: '?'");
  EXPECT_EQ(row_error(*broken, 3), "[dataset/tsv_features] a.tsv:3 v3: the vector is empty");
}

TEST_F(TsvFeatures, AVectorThatCannotBeComparedIsABrokenRow) {
  const auto data = make({{"list", write({{0, 0}, {3e38F, 3e38F}, {1e-30F, 1e-30F}, {1e-15F, 1e15F}})}});
  EXPECT_EQ(row_error(*data, 0), "[dataset/tsv_features] f-0.tsv:0 v0: the vector is all zeros");
  EXPECT_EQ(row_error(*data, 1), "[dataset/tsv_features] f-0.tsv:1 v1: the vector's norm is not finite");
  EXPECT_EQ(row_error(*data, 2), "[dataset/tsv_features] f-0.tsv:2 v2: the vector's norm is too small for float32");
  EXPECT_THAT(data->get(3).vector, ElementsAre(1e-15F, 1e15F));
  EXPECT_EQ(data->where(3), "f-0.tsv:3 v3");
}

TEST_F(TsvFeatures, RefusesASourceOfAnotherWidth) {
  EXPECT_EQ(source_error({{"list", write({{1, 2, 3}})}, {"width", "768"}}),
            "[dataset/tsv_features] f-0.tsv:0 v0: the vector has 3 numbers, but the option width is 768");
}

TEST_F(TsvFeatures, RefusesASourceWhoseFirstRowIsBroken) {
  folder_.write("a.tsv", "v0\t*AAAAA==\nv1\tAAAAAA==\n");
  EXPECT_EQ(source_error({{"list", path("a.tsv")}}), "[dataset/tsv_features] a.tsv:0 v0: byte 0 is not base64: '*'");
  EXPECT_EQ(source_error({{"list", path("none.tsv")}}),
            "[dataset/tsv_features] cannot open none.tsv: No such file or directory");
}

}  // namespace
}  // namespace dime
