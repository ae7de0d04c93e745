// SPDX-License-Identifier: Apache-2.0
#include "io/resample.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/images.hpp"

namespace dime {
namespace {

using nlohmann::json;
using testing::ThrowsMessage;

const std::filesystem::path folder = std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests" / "golden" / "images";

Image load(const std::string& name) {
  std::ifstream file(folder / name, std::ios::binary);
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  Image image;
  decode_image(bytes, image);
  return image;
}

Image ramp(int height, int width) {
  Image image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3))};
  std::iota(image.rgb.begin(), image.rgb.end(), std::uint8_t{0});
  return image;
}

json golden() { return json::parse(std::ifstream(folder / "images.json")); }

TEST(Resize, EqualsTorchvisionToTheBit) {
  const json rows = golden().at("resized");
  ASSERT_EQ(rows.size(), 32u);
  Image out;
  for (const json& row : rows) {
    const Image in = load(row.at("file"));
    const auto box = row.at("box").get<std::vector<int>>();
    const auto size = row.at("size").get<std::vector<int>>();
    const Filter filter = row.at("filter") == "bicubic" ? Filter::bicubic : Filter::bilinear;
    resize(in, {box[0], box[1], box[2], box[3]}, {size[0], size[1]}, filter, out);
    ASSERT_EQ(out.rgb.size(), static_cast<std::size_t>(size[0] * size[1] * 3));
    EXPECT_EQ(crc32(0, out.rgb.data(), static_cast<uInt>(out.rgb.size())), row.at("crc").get<std::uint32_t>()) << row;
  }
}

TEST(Resize, OfARegionEqualsCropThenResize) {
  const Image in = load("420.jpg");
  const Box box{4, 6, 30, 41};
  Image expected, actual;
  ImagePlan cut({in.height, in.width});
  cut.crop(box);
  resize(test::planned(in, cut), {0, 0, box.height, box.width}, {17, 50}, Filter::bicubic, expected);
  resize(in, box, {17, 50}, Filter::bicubic, actual);
  EXPECT_EQ(actual.rgb, expected.rgb);
}

TEST(Resize, KeepsOneColour) {
  const Image in{9, 13, std::vector<std::uint8_t>(9 * 13 * 3, 201)};
  Image out;
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    for (const Size size : {Size{1, 1}, Size{40, 3}, Size{2, 200}}) {
      resize(in, {0, 0, 9, 13}, size, filter, out);
      EXPECT_EQ(out.rgb, std::vector<std::uint8_t>(static_cast<std::size_t>(size.height * size.width * 3), 201));
    }
  }
}

TEST(Resize, CopiesWhenTheSizeStays) {
  const Image in = ramp(5, 4);
  Image out;
  resize(in, {0, 0, 5, 4}, {5, 4}, Filter::bicubic, out);
  EXPECT_EQ(out.rgb, in.rgb);
}

TEST(Resize, RefusesBadBoxesAndSizes) {
  const Image in = ramp(5, 4);
  Image out;
  const auto with = [&](Box box, Size size) {
    return [&, box, size] { resize(in, box, size, Filter::bilinear, out); };
  };
  EXPECT_THAT(with({0, 0, 6, 4}, {2, 2}),
              ThrowsMessage<ArgumentError>("a box of 4 x 6 pixels at (0, 0) does not lie in an image of 4 x 5"));
  EXPECT_THAT(with({-1, 2, 2, 2}, {2, 2}),
              ThrowsMessage<ArgumentError>("a box of 2 x 2 pixels at (2, -1) does not lie in an image of 4 x 5"));
  EXPECT_THAT(
      with({1, 2147483647, 2, 2}, {2, 2}),
      ThrowsMessage<ArgumentError>("a box of 2 x 2 pixels at (2147483647, 1) does not lie in an image of 4 x 5"));
  EXPECT_THAT(with({0, 0, 5, 4}, {0, 2}), ThrowsMessage<ArgumentError>("an image cannot be resized to 2 x 0 pixels"));
}

TEST(ShortSide, KeepsTheRatioAndRoundsDown) {
  const Size wide = short_side_size({333, 500}, 224);
  EXPECT_EQ(wide.height, 224);
  EXPECT_EQ(wide.width, 336);
  const Size tall = short_side_size({1001, 500}, 224);
  EXPECT_EQ(tall.height, 448);
  EXPECT_EQ(tall.width, 224);
  EXPECT_THAT(
      [] {
        short_side_size({0, 5}, 3);
      },
      ThrowsMessage<ArgumentError>("the short side of an image of 5 x 0 pixels cannot become 3"));
}

TEST(CenterBox, RoundsHalvesToEven) {
  for (const auto& [spare, margin] : std::vector<std::pair<int, int>>{{0, 0}, {1, 0}, {2, 1}, {3, 2}, {5, 2}, {7, 4}}) {
    EXPECT_EQ(center_box({10 + spare, 10}, {10, 10}).top, margin) << spare;
    EXPECT_EQ(center_box({10, 10 + spare}, {10, 10}).left, margin) << spare;
  }
  EXPECT_THAT(
      [] {
        center_box({5, 9}, {6, 6});
      },
      ThrowsMessage<ArgumentError>("an image of 9 x 5 pixels has no middle of 6 x 6"));
}

TEST(Flip, MirrorsEveryRow) {
  Image image = ramp(2, 3);
  flip_horizontal(image);
  EXPECT_EQ(image.rgb, (std::vector<std::uint8_t>{6, 7, 8, 3, 4, 5, 0, 1, 2, 15, 16, 17, 12, 13, 14, 9, 10, 11}));
  flip_horizontal(image);
  EXPECT_EQ(image.rgb, ramp(2, 3).rgb);
}

TEST(Normalize, EqualsTorchvisionToTheBit) {
  const json all = golden();
  ASSERT_EQ(all.at("normalized").size(), 2u);
  for (const json& row : all.at("normalized")) {
    const Image image = load(row.at("file"));
    const std::vector<float> out = test::normalised(image, all.at("mean"), all.at("std"));
    const auto* bytes = reinterpret_cast<const Bytef*>(out.data());
    EXPECT_EQ(crc32(0, bytes, static_cast<uInt>(out.size() * sizeof(float))), row.at("crc").get<std::uint32_t>());
  }
}

}  // namespace
}  // namespace dime
