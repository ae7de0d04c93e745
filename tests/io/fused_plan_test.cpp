// SPDX-License-Identifier: Apache-2.0
#include "io/fused_plan.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/images.hpp"

namespace dime {
namespace {

Image waves(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(0.07 * x + c) * std::cos(0.05 * y - 0.3 * c);
        image.rgb.push_back(static_cast<std::uint8_t>(std::lround(127.5 + 120 * wave)));
      }
    }
  }
  return image;
}

Image fused(const Image& image, const ImagePlan& plan) {
  ImageWorkspace workspace;
  Image out;
  const auto one = FusedPlan::of(plan);
  pixels_of(image)->read(one->needed(), workspace.input());
  write_image(run_fused(*one, workspace), out);
  return out;
}

double mean_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

TEST(FusedPlan, OneResizeIsTheExactOneToTheBit) {
  const Image image = waves(90, 130);
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    ImagePlan plan({90, 130});
    plan.crop({10, 20, 61, 73});
    plan.resize({32, 48}, filter);
    plan.flip();
    EXPECT_EQ(fused(image, plan).rgb, test::planned(image, plan).rgb);
  }
}

TEST(FusedPlan, ResizeCropAndResizeStayNearTheExactOnes) {
  const Image image = waves(300, 400);
  ImagePlan plan({300, 400});
  plan.resize({256, 341}, Filter::bicubic);
  plan.crop({31, 57, 150, 201});
  plan.flip();
  plan.resize({224, 224}, Filter::bilinear);
  plan.crop({10, 12, 200, 180});
  EXPECT_LT(mean_difference(fused(image, plan), test::planned(image, plan)), 0.8);
}

TEST(FusedPlan, MapsThroughFlipsAndBounds) {
  ImagePlan plan({100, 200});
  plan.resize({50, 100}, Filter::bicubic);
  plan.flip();
  plan.crop({5, 10, 40, 30});
  plan.resize({20, 15}, Filter::bilinear);
  const auto one = FusedPlan::of(plan);
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->is_mirrored);
  EXPECT_EQ(one->filter, Filter::bilinear);
  EXPECT_DOUBLE_EQ(one->rows.scale, 4);
  EXPECT_DOUBLE_EQ(one->rows.offset, 10);
  EXPECT_EQ(one->rows.low, 10);
  EXPECT_EQ(one->rows.high, 90);
  // Columns 10 to 40 from the right of 100 are 60 to 90 from the left: 120 to 180 of the source.
  EXPECT_DOUBLE_EQ(one->columns.offset, 120);
  EXPECT_EQ(one->columns.low, 120);
  EXPECT_EQ(one->columns.high, 180);
  EXPECT_DOUBLE_EQ(one->shrink(), 4);
  EXPECT_EQ(one->scaled(4).columns.high, 45);
}

TEST(FusedPlan, APadOrNoResizeIsNotFused) {
  ImagePlan plan({10, 10});
  plan.crop({0, 0, 5, 5});
  EXPECT_FALSE(FusedPlan::of(plan));
  plan.pad(1, 1, 1, 1, {});
  plan.resize({8, 8}, Filter::bilinear);
  EXPECT_FALSE(FusedPlan::of(plan));
}

TEST(FusedPlan, WhatIsLeftOfAPixelIsReadFromIt) {
  for (const int at : {0, 19999}) {
    ImagePlan plan({3, 3});
    for (int i = 0; i < 3; ++i) {
      plan.resize({20000, 1}, Filter::bicubic);
      plan.crop({at, 0, 1, 1});
    }
    const auto one = FusedPlan::of(plan);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->rows.low, at == 0 ? 0 : 2);
    EXPECT_EQ(one->rows.high, at == 0 ? 1 : 3);
    EXPECT_EQ(fused(Image{3, 3, std::vector<std::uint8_t>(27, 9)}, plan).rgb, std::vector<std::uint8_t>(3, 9));
  }
}

// The planes of colour are read by their own axes, within what the decoder was asked for.
TEST(FusedPlan, ACoarserAxisNeedsNothingBesideTheSamePixels) {
  CounterRandom random(2);
  const auto up_to = [&](int most) { return 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(most))); };
  for (int i = 0; i < 3000; ++i) {
    ImagePlan plan({up_to(300), up_to(300)});
    for (int steps = up_to(4); steps > 0; --steps) {
      const Size size = plan.size(), kept{up_to(size.height), up_to(size.width)};
      plan.crop(
          {up_to(size.height - kept.height + 1) - 1, up_to(size.width - kept.width + 1) - 1, kept.height, kept.width});
      plan.resize({up_to(200), up_to(200)}, random.below(2) ? Filter::bicubic : Filter::bilinear);
      if (random.below(2)) plan.flip();
      const Size made = plan.size();
      plan.crop({made.height / 3, made.width / 4, made.height - made.height / 3, made.width - made.width / 4});
    }
    const auto one = FusedPlan::of(plan);
    ASSERT_TRUE(one);
    const Box all = one->needed(), half = one->scaled(2).needed();
    ASSERT_TRUE(all.top >= 0 && all.left >= 0 && all.height > 0 && all.width > 0) << i;
    ASSERT_TRUE(all.top + all.height <= plan.source().height && all.left + all.width <= plan.source().width) << i;
    ASSERT_GE(half.top, all.top / 2) << i;
    ASSERT_GE(half.left, all.left / 2) << i;
    ASSERT_LE(half.top + half.height, (all.top + all.height + 1) / 2) << i;
    ASSERT_LE(half.left + half.width, (all.left + all.width + 1) / 2) << i;
  }
}

}  // namespace
}  // namespace dime
