// SPDX-License-Identifier: Apache-2.0
// From planes to a model's numbers.
#include <gtest/gtest.h>

#include <array>

#include <algorithm>
#include <string>

#include "io/fused_planes.hpp"
#include "io/image_pipeline.hpp"
#include "io/planar_kernels.hpp"
#include "support/jpeg_files.hpp"
#include "support/jpeg_pictures.hpp"

namespace dime {
namespace {

using test::picture;

// ---- Lines into columns

TEST(Transpose, TurnsLinesOfEverySize) {
  CounterRandom random(1);
  Lines in, out;
  for (int count = 1; count <= 70; ++count) {
    for (int length = 1; length <= 70; ++length) {
      in.shape(count, length);
      for (int i = 0; i < count; ++i) {
        for (int j = 0; j < length; ++j) in.line(i)[j] = static_cast<std::uint8_t>(random.bits());
      }
      detail::transpose(in, out);
      ASSERT_EQ(out.count(), length);
      ASSERT_EQ(out.length(), count);
      for (int i = 0; i < count; ++i) {
        for (int j = 0; j < length; ++j) ASSERT_EQ(out.line(j)[i], in.line(i)[j]) << count << "x" << length;
      }
    }
  }
}

// ---- Colours

constexpr float kUnwritten = -77;

detail::ChannelScales some_scales() {
  return {detail::channel_scale(0.48F, 0.27F), detail::channel_scale(0.46F, 0.26F),
          detail::channel_scale(0.41F, 0.28F)};
}

/// Rows of R, G and B, one behind another, each with room for ten more.
std::vector<float> coloured(const detail::PlanarKernels& kernels, const Lines& ycc, int width) {
  const auto stride = static_cast<std::size_t>(width) + 10;
  std::vector<float> out(3 * stride, kUnwritten);
  kernels.colour({ycc.line(0), ycc.line(1), ycc.line(2)}, width, detail::channel_lines(some_scales()),
                 {&out[0], &out[stride], &out[2 * stride]});
  return out;
}

// Rows of whole cache lines may be written another way.
TEST(Colour, IsTheSameInWholeLines) {
  constexpr int longest = 48;
  Lines ycc;
  ycc.shape(3, longest);
  CounterRandom random(3);
  for (int c = 0; c < 3; ++c) {
    for (int x = 0; x < longest; ++x) ycc.line(c)[x] = static_cast<std::uint8_t>(random.bits());
  }
  const detail::YccRow row{ycc.line(0), ycc.line(1), ycc.line(2)};
  const auto lines = detail::channel_lines(some_scales());
  for (int width = 1; width <= longest; ++width) {
    alignas(64) std::array<float, 3 * longest> fast{}, plain{};
    detail::planar_kernels().colour(row, width, lines, {&fast[0], &fast[longest], &fast[2 * longest]});
    detail::planar_kernels().settle();
    detail::portable_planar_kernels().colour(row, width, lines, {&plain[0], &plain[longest], &plain[2 * longest]});
    EXPECT_EQ(fast, plain) << width;
  }
}

TEST(Colour, IsTheFormulaOnEveryProcessor) {
  CounterRandom random(2);
  for (int i = 0; i < 400; ++i) {
    const int width = 1 + i % 40;
    Lines ycc;
    ycc.shape(3, width);
    for (int c = 0; c < 3; ++c) {
      for (int x = 0; x < width; ++x) {
        const std::uint64_t bits = random.bits();
        ycc.line(c)[x] = static_cast<std::uint8_t>(bits & 1 ? bits >> 8 : bits & 2 ? 255 : 0);
      }
    }
    const auto got = coloured(detail::portable_planar_kernels(), ycc, width);
    ASSERT_EQ(got, coloured(detail::planar_kernels(), ycc, width)) << width;
    const auto stride = static_cast<std::size_t>(width) + 10;
    for (std::size_t x = 0; x < stride; ++x) {
      std::array<double, 3> rgb{};
      if (x < static_cast<std::size_t>(width)) {
        const double y = ycc.line(0)[x], cb = ycc.line(1)[x] - 128.0, cr = ycc.line(2)[x] - 128.0;
        rgb = {y + 1.402 * cr, y - 0.344136286 * cb - 0.714136286 * cr, y + 1.772 * cb};
      }
      for (std::size_t c = 0; c < 3; ++c) {
        if (x >= static_cast<std::size_t>(width)) {
          ASSERT_EQ(got[c * stride + x], kUnwritten) << "behind the row";
          continue;
        }
        const detail::ChannelScale scale = some_scales()[c];
        const double expected = (std::clamp(rgb[c], 0.0, 255.0) / 255 - scale.mean) / scale.std;
        ASSERT_NEAR(got[c * stride + x], expected, 1e-5) << c << " " << x;
      }
    }
  }
}

// ---- The whole way

/// How far the planar way is from the one over libjpeg's RGB, in bytes.
double distance(const Image& image, const test::JpegForm& form, const ImagePlan& plan) {
  const auto bytes = test::encode_jpeg(image, form);
  const auto one = FusedPlan::of(plan);
  detail::ChannelScales scales;
  scales.fill(detail::channel_scale(0, 1));
  const std::size_t count = 3 * static_cast<std::size_t>(plan.size().height * plan.size().width);
  std::vector<float> planar(count, kUnwritten), expected(count);
  PlanarWorkspace workspace;
  EXPECT_TRUE(open_image(bytes)->read_planes(one->needed(), workspace.decoder, workspace.image));
  write_fused_chw(*one, workspace, scales, planar.data());

  Image whole;
  decode_image(bytes, whole);
  ImageWorkspace pixels;
  pixels_of(whole)->read(one->needed(), pixels.input());
  write_chw(run_fused(*one, pixels), scales, expected.data());
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::abs(planar[i] - expected[i]);
  return 255 * sum / static_cast<double>(count);
}

/// A crop, mirrored or not, resized by less or more than 1.
std::vector<ImagePlan> plans_of(const Size& source) {
  std::vector<ImagePlan> plans;
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    for (const bool mirrored : {false, true}) {
      for (const Size& to : {Size{64, 96}, Size{190, 201}, Size{400, 300}}) {
        ImagePlan plan(source);
        plan.crop({13, 21, source.height - 30, source.width - 50});
        plan.resize(to, filter);
        if (mirrored) plan.flip();
        plan.crop({3, 5, to.height - 9, to.width - 7});
        plans.push_back(plan);
      }
    }
  }
  return plans;
}

TEST(FusedPlanes, AreNearTheWayOverColours) {
  const Image image = picture(233, 301, 0);
  double most = 0;
  for (const ImagePlan& plan : plans_of({image.height, image.width})) {
    for (const int rows : {1, 2}) {
      for (const int columns : {1, 2}) {
        const double apart = distance(image, {.quality = 90, .rows = rows, .columns = columns}, plan);
        EXPECT_LT(apart, 1.5) << rows << columns << " to " << plan.size().height << "x" << plan.size().width;
        most = std::max(most, apart);
      }
    }
  }
  RecordProperty("largest_mean_difference", std::to_string(most));
}

TEST(FusedPlanes, AnImageOfOnePixelIsThatPixelEverywhere) {
  const Image image{1, 1, {200, 100, 50}};
  ImagePlan plan({1, 1});
  plan.resize({9, 7}, Filter::bicubic);
  EXPECT_LT(distance(image, {.quality = 100, .rows = 2, .columns = 2}, plan), 1);
}

TEST(FusedPlanes, AWorkspaceServesImagesOfEveryKindInTurn) {
  PlanarWorkspace kept;
  const detail::ChannelScales scales = some_scales();
  for (const int side : {120, 17, 64}) {
    const Image image = picture(side, side + 3);
    const auto bytes = test::encode_jpeg(image, {.rows = side == 17 ? 1 : 2, .columns = side == 64 ? 1 : 2});
    ImagePlan plan({side, side + 3});
    plan.resize({40, 30}, Filter::bilinear);
    const auto one = FusedPlan::of(plan);
    std::array<std::vector<float>, 2> out;
    PlanarWorkspace fresh;
    for (auto& [workspace, numbers] : {std::pair{&kept, &out[0]}, {&fresh, &out[1]}}) {
      numbers->resize(std::size_t{3} * 40 * 30);
      ASSERT_TRUE(open_image(bytes)->read_planes(one->needed(), workspace->decoder, workspace->image));
      write_fused_chw(*one, *workspace, scales, numbers->data());
    }
    EXPECT_EQ(out[0], out[1]) << side;
  }
}

}  // namespace
}  // namespace dime
