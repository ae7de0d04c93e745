// SPDX-License-Identifier: Apache-2.0
#include "data/transform.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <dime/model.hpp>

#include "config/yaml.hpp"
#include "data/image_path.hpp"
#include "data/transforms.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"

namespace dime {
namespace {

std::vector<Component> list_of(const std::string& yaml) {
  const auto origin = std::make_shared<const Origin>(Origin{"x.yaml", "."});
  const Value value = parse_yaml(yaml, origin);
  Problems problems;
  std::vector<Component> list;
  detail::OptionType<std::vector<Component>>::read(value, list, {}, "transform", problems);
  problems.raise();
  return list;
}

std::vector<std::string> mistakes(const std::string& yaml) {
  Problems problems;
  TransformList::check(list_of(yaml), problems);
  return problems.lines();
}

Image ramp(int height, int width) {
  Image image{height, width, {}};
  for (int i = 0; i < height * width * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(i * 37 % 256));
  return image;
}

TEST(TransformList, ListsEveryMistake) {
  const auto lines = mistakes(
      "[{type: rezise, size: 3}, {type: resize, size: [1, 2, 3]}, {type: normalize}, {type: center_crop, sizes: 4}]");
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(
      lines[0],
      "x.yaml:1:9: unknown transform \"rezise\" (did you mean \"resize\"?); there are: center_crop, horizontal_flip, "
      "normalize, pad, random_crop, random_resized_crop, resize");
  EXPECT_EQ(lines[2], "x.yaml:1:67: transform \"normalize\" must be the last of the list");
  EXPECT_EQ(
      lines[4],
      "x.yaml:1:99: unknown option \"sizes\" of transform \"center_crop\" (did you mean \"size\"?); it takes: size");
}

TEST(TransformList, SizesAndPaddingHaveBounds) {
  const auto only = [](const std::string& yaml) {
    const auto lines = mistakes(yaml);
    EXPECT_EQ(lines.size(), 1U) << yaml;
    return lines.empty() ? "" : lines[0];
  };
  EXPECT_EQ(only("[{type: resize, size: 4294967328}]"),
            "x.yaml:1:23: option \"size\" of transform \"resize\" must be between 1 and 20000, got 4294967328");
  EXPECT_EQ(
      only("[{type: resize, size: [32, 4294967328]}]"),
      "x.yaml:1:28: item 2 of option \"size\" of transform \"resize\" must be between 1 and 20000, got 4294967328");
  EXPECT_EQ(only("[{type: center_crop, size: 0}]"),
            "x.yaml:1:28: option \"size\" of transform \"center_crop\" must be between 1 and 20000, got 0");
  EXPECT_EQ(only("[{type: random_resized_crop, size: 2000000000}]"),
            "x.yaml:1:36: option \"size\" of transform \"random_resized_crop\" must be between 1 and 20000, got "
            "2000000000");
  EXPECT_EQ(only("[{type: random_crop, size: 20001}]"),
            "x.yaml:1:28: option \"size\" of transform \"random_crop\" must be between 1 and 20000, got 20001");
  EXPECT_EQ(only("[{type: random_crop, size: 32, padding: 2147483647}]"),
            "x.yaml:1:41: option \"padding\" of transform \"random_crop\" must be between 0 and 20000, got 2147483647");
}

TEST(TransformList, BoundsAndNumbersOfNormalizeAreCheckedWithTheirPlace) {
  const auto lines = mistakes(
      "[{type: random_resized_crop, size: 8, area: [1, 0.1]},\n {type: random_resized_crop, size: 8, ratio: [4, "
      "0.1]},\n {type: normalize, mean: [1, 2]}]");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0],
            "x.yaml:1:9: option \"area\" of transform \"random_resized_crop\" takes [least, greatest], got [1, 0.1]");
  EXPECT_EQ(lines[1],
            "x.yaml:2:9: option \"ratio\" of transform \"random_resized_crop\" takes [least, greatest], got [4, 0.1]");
  EXPECT_EQ(lines[2], "x.yaml:3:9: transform \"normalize\" takes three numbers for mean and std, got 2");
}

TEST(TransformList, AnImageThatWouldBeTooLargeIsABrokenRow) {
  const auto refusal = [](const std::string& yaml) {
    return test::error_text<RowError>(
        [&] { test::transformed(ramp(4, 6), TransformList(list_of(yaml)), CounterRandom(1)); });
  };
  EXPECT_EQ(refusal("[{type: random_crop, size: 4, padding: 20000}]"),
            "the padded image would be 40004x40006, which is too large");
  EXPECT_EQ(refusal("[{type: resize, size: 20000}]"), "the resized image would be 20000x30000, which is too large");
  EXPECT_EQ(refusal("[{type: random_resized_crop, size: 20000}]"),
            "the resized image would be 20000x20000, which is too large");
}

TEST(Resize, TakesTheShorterSideOrBoth) {
  for (const auto& [size, height, width] : {std::tuple{"20", 20, 30}, {"[10, 12]", 10, 12}}) {
    const TransformList list(list_of("[{type: resize, size: " + std::string(size) + "}]"));
    const Image image = test::transformed(ramp(40, 60), list, CounterRandom(1));
    EXPECT_EQ(image.height, height);
    EXPECT_EQ(image.width, width);
  }
}

TEST(TransformList, NormalisesAsTheListSaysOrAsTheModelNeeds) {
  const Normalisation model{{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
  EXPECT_EQ(TransformList(list_of("[]"), model).normalisation().mean, model.mean);
  EXPECT_EQ(TransformList(list_of("[{type: normalize, preset: half}]"), model).normalisation().std[2], 0.5);
  EXPECT_EQ(TransformList(list_of("[{type: normalize, mean: [1, 2, 3]}]"), model).normalisation().mean[1], 2.0);
  EXPECT_EQ(TransformList(list_of("[{type: normalize, mean: [1, 2, 3]}]"), model).normalisation().std, model.std);
  EXPECT_EQ(TransformList(list_of("[{type: normalize}]"), model).normalisation().mean, model.mean);
}

Row raw_row(const Image& image) {
  Row row;
  row.image = image.rgb;
  row.pixels = PixelShape{image.height, image.width, 3};
  return row;
}

std::vector<float> numbers_of(const Image& image, const TransformList& list, int side, std::uint64_t key = 1) {
  CounterRandom random(key);
  std::vector<float> out(static_cast<std::size_t>(3 * side * side));
  ImagePath().run(raw_row(image), list, random, side, out.data());
  return out;
}

TEST(ImagePath, PixelsAreScaledAndNormalised) {
  const Image image{1, 1, {0, 51, 102}};
  const auto out = numbers_of(image, TransformList(list_of("[{type: normalize, preset: half}]")), 1);
  const float expected[] = {-1.0F, -0.6F, -0.2F};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(out[i], expected[i], 1e-6) << i;
}

TEST(ImagePath, AnImageOfAnotherSizeIsABrokenRow) {
  EXPECT_EQ(test::error_text<RowError>([&] { numbers_of(ramp(4, 6), TransformList(), 5); }),
            "the image is 4x6 after its transforms, the model takes 5x5: add a resize or a crop");
}

TEST(ImagePath, TheSameKeyGivesTheSamePixelsAndAnotherKeyOthers) {
  const TransformList list(
      list_of("[{type: random_resized_crop, size: 8}, {type: horizontal_flip}, {type: normalize}]"));
  EXPECT_EQ(numbers_of(ramp(20, 30), list, 8, 5), numbers_of(ramp(20, 30), list, 8, 5));
  EXPECT_NE(numbers_of(ramp(20, 30), list, 8, 5), numbers_of(ramp(20, 30), list, 8, 6));
}

TEST(TransformList, TheEvaluationFormResizesAndCutsTheMiddle) {
  const Image image =
      test::transformed(ramp(40, 60), TransformList(TransformList::evaluation_steps({.size = 16})), CounterRandom(1));
  EXPECT_EQ(image.height, 16);
  EXPECT_EQ(image.width, 16);
}

TEST(TransformList, TheEvaluationFormIsTheModels) {
  const Image image = ramp(40, 60);
  const auto form = [&](const ImageSpec& spec) {
    return test::transformed(image, TransformList(TransformList::evaluation_steps(spec)), CounterRandom(1)).rgb;
  };
  const auto list = [&](const char* yaml) {
    return test::transformed(image, TransformList(list_of(yaml)), CounterRandom(1)).rgb;
  };
  const auto cut = form({.size = 16});
  const auto bilinear = form({.size = 16, .interpolation = "bilinear"});
  const auto squashed = form({.size = 16, .resize_mode = "squash"});
  EXPECT_EQ(cut, list("[{type: resize, size: 16, interpolation: bicubic}, {type: center_crop, size: 16}]"));
  EXPECT_EQ(bilinear, list("[{type: resize, size: 16, interpolation: bilinear}, {type: center_crop, size: 16}]"));
  EXPECT_EQ(squashed, list("[{type: resize, size: [16, 16]}]"));
  EXPECT_NE(cut, bilinear);
  EXPECT_NE(cut, squashed);
  EXPECT_EQ(test::error_text<ConfigError>([&] { form({.resize_mode = "longest"}); }),
            "the model says that images are resized \"longest\", where dime knows \"shortest\" and \"squash\"");
}

TEST(Pad, FramesTheImageInOneColour) {
  const TransformList list(list_of("[{type: pad, size: [1, 2, 3, 4], colour: [7, 8, 9]}]"));
  const Image image = test::transformed(Image{1, 2, {1, 2, 3, 4, 5, 6}}, list, CounterRandom(1));
  ASSERT_EQ(image.height, 7);
  ASSERT_EQ(image.width, 6);
  const auto pixel = [&](std::size_t y, std::size_t x) { return image.rgb[(y * 6 + x) * 3]; };
  EXPECT_EQ(pixel(2, 1), 1);
  EXPECT_EQ(pixel(2, 2), 4);
  EXPECT_EQ(std::count(image.rgb.begin(), image.rgb.end(), 7), 40);
}

TEST(Pad, SidesAndColourAreCounted) {
  const auto lines = mistakes("[{type: pad, size: [1, 2, 3]}, {type: pad, size: [1], colour: [1, 2]}]");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "x.yaml:1:9: option \"size\" of transform \"pad\" takes one, two or four numbers, got 3");
  EXPECT_EQ(lines[1], "x.yaml:1:39: option \"colour\" of transform \"pad\" takes three numbers, got 2");
}

TEST(ImagePlan, ACropThatSeesOnlyTheFrameIsTheFrame) {
  ImagePlan plan({3, 3});
  plan.pad(4, 4, 4, 4, {5, 5, 5});
  plan.crop({0, 0, 2, 2});
  EXPECT_EQ(test::planned(ramp(3, 3), plan).rgb, std::vector<std::uint8_t>(12, 5));
}

TEST(RandomResizedCrop, DrawsRegionsOfTheAskedAreaAndRatio) {
  const RandomResizedCrop crop({8, {0.25, 0.5}, {0.75, 4.0 / 3.0}, "bilinear"});
  CounterRandom random(3);
  double mean = 0;
  for (int i = 0; i < 2000; ++i) {
    const Box box = crop.draw({300, 400}, random);
    const double area = static_cast<double>(box.height) * box.width / (300.0 * 400.0);
    const double ratio = static_cast<double>(box.width) / box.height;
    ASSERT_GE(box.top, 0);
    ASSERT_GE(box.left, 0);
    ASSERT_LE(box.top + box.height, 300);
    ASSERT_LE(box.left + box.width, 400);
    ASSERT_NEAR(area, 0.375, 0.135);
    ASSERT_NEAR(std::log(ratio), 0, 0.31);
    mean += area / 2000;
  }
  EXPECT_NEAR(mean, 0.375, 0.01);
}

TEST(RandomCrop, PadsWithBlackAndKeepsThePixels) {
  const Image nines{2, 2, std::vector<std::uint8_t>(12, 9)};
  const Image image = test::transformed(nines, RandomCrop({6, 2}), CounterRandom(1));
  ASSERT_EQ(image.height, 6);
  EXPECT_EQ(std::count(image.rgb.begin(), image.rgb.end(), 9), 12);
  EXPECT_EQ(image.rgb[(2 * 6 + 2) * 3], 9);
}

TEST(HorizontalFlip, FlipsAboutAsOftenAsAsked) {
  const HorizontalFlip flip({0.25});
  int flipped = 0;
  for (std::uint64_t key = 0; key < 2000; ++key) {
    const Image image = test::transformed(Image{1, 2, {1, 1, 1, 2, 2, 2}}, flip, CounterRandom(random_key({key})));
    flipped += image.rgb[0] == 2;
  }
  EXPECT_NEAR(flipped, 500, 80);
}

TEST(CenterCrop, AnImageThatIsTooSmallIsABrokenRow) {
  EXPECT_EQ(test::error_text<RowError>([&] { test::transformed(ramp(4, 9), CenterCrop({5}), CounterRandom(1)); }),
            "the image is 4x9, smaller than the crop of 5: put a resize before it");
}

}  // namespace
}  // namespace dime
