// SPDX-License-Identifier: Apache-2.0
// A part of an image that is decoded alone has the pixels that it has in the whole image: kinds of JPEG, extreme
// shapes, and what transforms make of them.
#include <gtest/gtest.h>

#include <algorithm>

#include "io/png_write.hpp"
#include "support/images.hpp"
#include "support/jpeg_writer.hpp"

namespace dime {
namespace {

using test::JpegKind;
using Bytes = std::vector<std::uint8_t>;

const std::vector<Size> kSizes{{1, 1}, {1, 41}, {41, 1}, {2, 2}, {3, 5000}, {5000, 3}, {61, 83}, {130, 97}};

const std::vector<std::pair<int, int>> k420{{2, 2}, {1, 1}, {1, 1}};
const std::vector<std::pair<int, int>> k422{{2, 1}, {1, 1}, {1, 1}};
const std::vector<std::pair<int, int>> k440{{1, 2}, {1, 1}, {1, 1}};
const std::vector<std::pair<int, int>> k411{{4, 1}, {1, 1}, {1, 1}};

/// A sequential file of one scan a component.
std::vector<jpeg_scan_info> scan_by_scan() {
  std::vector<jpeg_scan_info> scans;
  for (int c = 0; c < 3; ++c) scans.push_back({1, {c}, 0, 63, 0, 0});
  return scans;
}

/// A progressive file that ends before its picture is sharp: a decoder smooths the blocks.
std::vector<jpeg_scan_info> first_scans() { return {{3, {0, 1, 2}, 0, 0, 0, 1}, {1, {0}, 1, 5, 0, 2}}; }

const std::vector<JpegKind> kKinds{
    {.name = "4:4:4"},
    {.name = "4:2:0", .sampling = k420},
    {.name = "4:2:2", .sampling = k422},
    {.name = "4:4:0", .sampling = k440},
    {.name = "4:1:1", .sampling = k411},
    {.name = "4:1:0", .sampling = {{4, 2}, {1, 1}, {1, 1}}},
    {.name = "colour finer than light", .sampling = {{1, 1}, {2, 2}, {1, 2}}},
    {.name = "grey", .stored = JCS_GRAYSCALE},
    {.name = "grey of 2x2", .stored = JCS_GRAYSCALE, .sampling = {{2, 2}}},
    {.name = "RGB", .stored = JCS_RGB},
    {.name = "CMYK", .stored = JCS_CMYK},
    {.name = "YCCK", .stored = JCS_YCCK, .sampling = {{2, 2}, {1, 1}, {1, 1}, {2, 2}}},
    {.name = "restart", .sampling = k420, .restart = 3},
    {.name = "progressive", .sampling = k420, .progressive = true},
    {.name = "progressive 4:4:0, restart", .sampling = k440, .progressive = true, .restart = 5},
    {.name = "scan by scan", .sampling = k422, .scans = scan_by_scan()},
    {.name = "unsharp", .sampling = k420, .scans = first_scans()},
    {.name = "unsharp 4:4:4", .scans = first_scans()},
    {.name = "arithmetic", .sampling = k420, .arithmetic = true},
    {.name = "arithmetic progressive, restart",
     .sampling = k422,
     .progressive = true,
     .arithmetic = true,
     .restart = 4},
};

int below(CounterRandom& random, int n) { return static_cast<int>(random.below(static_cast<std::uint64_t>(n))); }

Box random_box(const Size& size, CounterRandom& random) {
  const int height = 1 + below(random, size.height), width = 1 + below(random, size.width);
  return {below(random, size.height - height + 1), below(random, size.width - width + 1), height, width};
}

std::string text(const Box& box) {
  return std::to_string(box.width) + "x" + std::to_string(box.height) + " at " + std::to_string(box.left) + "," +
         std::to_string(box.top);
}

std::string text(const Size& size) { return std::to_string(size.width) + "x" + std::to_string(size.height); }

Bytes pixels_in(const PixelBuffer& buffer, const Box& box) {
  Bytes pixels;
  for (int y = box.top; y < box.top + box.height; ++y) {
    const std::uint8_t* row = buffer.at(y, box.left);
    pixels.insert(pixels.end(), row, row + static_cast<std::ptrdiff_t>(box.width) * 3);
  }
  return pixels;
}

Bytes whole_read(const Bytes& file, const Size& size, int factor) {
  PixelBuffer buffer;
  const Box all{0, 0, size.height, size.width};
  open_image(file)->read_scaled(all, factor, buffer);
  return pixels_in(buffer, all);
}

Bytes part_of(const Bytes& whole, const Size& size, const Box& box) {
  Bytes part;
  for (int y = box.top; y < box.top + box.height; ++y) {
    const auto row = whole.begin() + (static_cast<std::ptrdiff_t>(y) * size.width + box.left) * 3;
    part.insert(part.end(), row, row + static_cast<std::ptrdiff_t>(box.width) * 3);
  }
  return part;
}

void expect_parts(const Bytes& file, const Bytes& whole, const Size& size, int factor, int count) {
  CounterRandom random(random_key({static_cast<std::uint64_t>(size.height), static_cast<std::uint64_t>(factor)}));
  PixelBuffer buffer;
  for (int i = 0; i < count; ++i) {
    const Box box = random_box(size, random);
    open_image(file)->read_scaled(box, factor, buffer);
    ASSERT_EQ(pixels_in(buffer, box), part_of(whole, size, box)) << text(box) << " of 1/" << factor;
  }
}

class PartialDecode : public testing::TestWithParam<JpegKind> {
 protected:
  void SetUp() override {
    std::string reason;
    test::encode_jpeg(GetParam(), 1, 1, reason);
    if (!reason.empty()) GTEST_SKIP() << "this libjpeg does not write it: " << reason;
  }
};

TEST_P(PartialDecode, APartOfAJpegIsThePartOfTheWhole) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(text(size));
    const Bytes file = test::encode_jpeg(GetParam(), size.height, size.width);
    Image whole;
    decode_image(file, whole);
    ASSERT_EQ(whole.height, size.height);
    ASSERT_EQ(whole.width, size.width);
    ASSERT_EQ(whole_read(file, size, 1), whole.rgb);
    expect_parts(file, whole.rgb, size, 1, 25);
  }
}

TEST_P(PartialDecode, APartOfASmallerJpegIsThePartOfIt) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(text(size));
    const Bytes file = test::encode_jpeg(GetParam(), size.height, size.width);
    for (const double shrink : {2.0, 4.0, 8.0}) {
      const int factor = open_image(file)->factor(shrink);
      const Size smaller{(size.height + factor - 1) / factor, (size.width + factor - 1) / factor};
      expect_parts(file, whole_read(file, smaller, factor), smaller, factor, 8);
    }
  }
}

ImagePlan random_plan(const Size& size, CounterRandom& random) {
  ImagePlan plan(size);
  const auto side = [&] { return 1 + below(random, 60); };
  const auto filter = [&] { return below(random, 2) == 0 ? Filter::bilinear : Filter::bicubic; };
  plan.crop(random_box(plan.size(), random));
  plan.resize({side(), side()}, filter());
  if (below(random, 2) == 0) plan.flip();
  if (below(random, 3) == 0)
    plan.pad(below(random, 9), below(random, 9), below(random, 9), below(random, 9), {1, 2, 3});
  plan.crop(random_box(plan.size(), random));
  if (below(random, 2) == 0) plan.resize({side(), side()}, filter());
  if (below(random, 2) == 0) plan.flip();
  return plan;
}

/// The plan's steps one by one, each on all of the image before it.
Image step_by_step(Image image, const ImagePlan& plan) {
  for (const ImageStep& step : plan.steps()) {
    ImagePlan one(step.before);
    switch (step.kind) {
      case ImageStep::Kind::resize:
        one.resize(step.after, step.filter);
        break;
      case ImageStep::Kind::crop:
        one.crop(step.box);
        break;
      case ImageStep::Kind::flip:
        one.flip();
        break;
      case ImageStep::Kind::pad:
        one.pad(step.box.top, step.box.left, step.after.height - step.before.height - step.box.top,
                step.after.width - step.before.width - step.box.left, step.colour);
        break;
    }
    image = test::planned(image, one);
  }
  return image;
}

void expect_plans(const Bytes& file, int count) {
  Image whole, out;
  decode_image(file, whole);
  CounterRandom random(static_cast<std::uint64_t>(whole.width));
  ImageWorkspace workspace;
  for (int i = 0; i < count; ++i) {
    const ImagePlan plan = random_plan(test::size_of(whole), random);
    open_image(file)->read(plan.needed(), workspace.input());
    write_image(run_exact(plan, workspace), out);
    ASSERT_EQ(out.rgb, step_by_step(whole, plan).rgb) << "plan " << i;
  }
}

TEST_P(PartialDecode, TransformsOfAPartAreThoseOfTheWhole) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(text(size));
    expect_plans(test::encode_jpeg(GetParam(), size.height, size.width), 12);
  }
}

std::string test_name(const testing::TestParamInfo<JpegKind>& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kinds, PartialDecode, testing::ValuesIn(kKinds), test_name);

TEST(PartialDecodeOfPng, PartsAndTransformsAreThoseOfTheWhole) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(text(size));
    CounterRandom random(5);
    Image image{size.height, size.width, Bytes(static_cast<std::size_t>(size.height * size.width * 3))};
    for (auto& sample : image.rgb) sample = static_cast<std::uint8_t>(random.bits());
    const Bytes file = encode_png(image.rgb, {size.height, size.width, 3});
    ASSERT_EQ(whole_read(file, size, 1), image.rgb);
    expect_parts(file, image.rgb, size, 1, 10);
    expect_plans(file, 12);
  }
}

}  // namespace
}  // namespace dime
