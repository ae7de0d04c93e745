// SPDX-License-Identifier: Apache-2.0
// What one image of a stream becomes: which files are broken, and what is kept of large ones.
#include "data/image_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "config/yaml.hpp"
#include "support/errors.hpp"
#include "support/odd_images.hpp"

namespace dime {
namespace {

using test::Bytes;

constexpr int kSide = 16;

TransformList list_of(const std::string& yaml, Resampling resampling) {
  const auto origin = std::make_shared<const Origin>(Origin{"x.yaml", "."});
  std::vector<Component> list;
  Problems problems;
  detail::OptionType<std::vector<Component>>::read(parse_yaml(yaml, origin), list, {}, "transform", problems);
  problems.raise();
  return TransformList(list, {}, resampling);
}

const std::string kWhole = "[{type: resize, size: [16, 16]}]";
const std::string kCut = "[{type: random_resized_crop, size: 16}, {type: horizontal_flip}]";

std::vector<float> numbers_of(const Row& row, const TransformList& list, std::uint64_t key, ImagePath& path) {
  CounterRandom random(key);
  std::vector<float> out(3 * kSide * kSide, std::nanf(""));
  path.run(row, list, random, kSide, out.data());
  return out;
}

std::vector<float> numbers_of(const Bytes& bytes, const TransformList& list, std::uint64_t key, bool upright = false) {
  Row row;
  row.image = bytes;
  ImagePath path(upright);
  return numbers_of(row, list, key, path);
}

TEST(ImagePath, BothResamplingsRefuseABrokenImage) {
  for (const auto& image : test::broken_images()) {
    for (const bool upright : {false, true}) {
      for (const auto resampling : {Resampling::exact, Resampling::fused}) {
        const TransformList list = list_of(kWhole, resampling);
        EXPECT_EQ(test::error_text<RowError>([&] { numbers_of(image.bytes, list, 1, upright); }), image.problem)
            << image.name << (resampling == Resampling::fused ? ", fused" : ", exact");
      }
    }
  }
}

/// A JPEG without its end marker is decoded whole, so also where what is asked for lies above the cut.
TEST(ImagePath, BothResamplingsRefuseABrokenImageWhateverPartIsDrawn) {
  for (const auto& image : test::broken_images()) {
    if (image.name == "a JPEG cut and closed") continue;
    for (const auto resampling : {Resampling::exact, Resampling::fused}) {
      const TransformList list = list_of(kCut, resampling);
      for (std::uint64_t key = 0; key < 10; ++key) {
        EXPECT_EQ(test::error_text<RowError>([&] { numbers_of(image.bytes, list, key); }), image.problem)
            << image.name << " " << key;
      }
    }
  }
}

TEST(ImagePath, BothResamplingsTakeAnOddImage) {
  for (const auto& image : test::odd_images()) {
    for (const auto resampling : {Resampling::exact, Resampling::fused}) {
      for (const std::string& transforms : {kWhole, kCut}) {
        const auto numbers = numbers_of(image.bytes, list_of(transforms, resampling), 3, true);
        EXPECT_TRUE(std::all_of(numbers.begin(), numbers.end(), [](float x) { return x >= 0 && x <= 1; }))
            << image.name << " " << transforms;
      }
    }
  }
}

std::size_t kept_after(int height, int width) {
  Row row;
  row.image.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  row.pixels = PixelShape{height, width, 1};
  ImagePath path;
  numbers_of(row, list_of(kWhole, Resampling::exact), 1, path);
  return path.kept_bytes();
}

TEST(ImagePath, KeepsNoMemoryForAnImageMuchLargerThanOthers) {
  EXPECT_GE(kept_after(1000, 1000), 3'000'000U);
  EXPECT_EQ(kept_after(20000, 2300), 0U);
}

}  // namespace
}  // namespace dime
