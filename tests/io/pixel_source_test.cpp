// SPDX-License-Identifier: Apache-2.0
#include "io/pixel_source.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <dime/random.hpp>

#include "support/errors.hpp"

namespace dime {
namespace {

const std::filesystem::path folder = std::filesystem::path(DIME_TEST_SOURCE_DIR) / "tests" / "golden" / "images";

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Box random_region(const Size& size, CounterRandom& random) {
  const auto below = [&](int n) { return static_cast<int>(random.below(static_cast<std::uint64_t>(n))); };
  const int height = 1 + below(size.height), width = 1 + below(size.width);
  return {below(size.height - height + 1), below(size.width - width + 1), height, width};
}

void expect_region(const PixelBuffer& part, const Box& region, const Image& whole, const std::string& name) {
  const Box got = part.box();
  ASSERT_LE(got.left, region.left) << name;
  ASSERT_GE(got.left + got.width, region.left + region.width) << name;
  for (int y = region.top; y < region.top + region.height; ++y) {
    const std::uint8_t* expected = whole.rgb.data() + (static_cast<std::ptrdiff_t>(y) * whole.width + region.left) * 3;
    ASSERT_TRUE(std::equal(expected, expected + region.width * 3, part.at(y, region.left)))
        << name << " row " << y << " of " << region.left << "," << region.top << " " << region.width << "x"
        << region.height;
  }
}

TEST(PixelSource, APartIsThePartOfTheWhole) {
  int pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") continue;
    const auto bytes = bytes_of(entry.path());
    Image whole;
    try {
      decode_image(bytes, whole);
    } catch (const RowError&) {
      continue;
    }
    ++pictures;
    CounterRandom random(7);
    PixelBuffer part;
    for (int i = 0; i < 60; ++i) {
      const auto source = open_image(bytes);
      ASSERT_EQ(source->size().height, whole.height);
      ASSERT_EQ(source->size().width, whole.width);
      const Box region = random_region(source->size(), random);
      source->read(region, part);
      expect_region(part, region, whole, entry.path().filename().string());
    }
  }
  EXPECT_GE(pictures, 12);
}

TEST(PixelSource, AJpegThatWasCutIsFoundOutWhicheverPartIsAskedFor) {
  auto bytes = bytes_of(folder / "420.jpg");
  bytes.resize(bytes.size() / 2);
  PixelBuffer part;
  const std::string message = test::error_text<RowError>([&] { open_image(bytes)->read({0, 0, 1, 1}, part); });
  Image whole;
  EXPECT_EQ(message, test::error_text<RowError>([&] { decode_image(bytes, whole); }));
  EXPECT_TRUE(message.starts_with("truncated JPEG: ")) << message;
}

}  // namespace
}  // namespace dime
