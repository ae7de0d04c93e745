// SPDX-License-Identifier: Apache-2.0
// What the fused form makes of encoded images.
#include "data/image_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <dime/model.hpp>

#include "support/errors.hpp"
#include "support/golden_images.hpp"
#include "support/jpeg_files.hpp"
#include "support/jpeg_pictures.hpp"

namespace dime {
namespace {

constexpr int kSide = 40;

std::vector<float> numbers_of(const test::Bytes& bytes, Resampling resampling) {
  Row row;
  row.image = bytes;
  CounterRandom random(1);
  std::vector<float> out(std::size_t{3} * kSide * kSide);
  const TransformList list(TransformList::evaluation_steps({.size = kSide}), {}, resampling);
  ImagePath().run(row, list, random, kSide, out.data());
  return out;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return 255 * sum / static_cast<double>(a.size());
}

// Of planes, only numbers that were not rounded after the change of colours come.
bool are_bytes(const std::vector<float>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(),
                     [](float v) { return std::abs(255 * v - std::nearbyint(255 * v)) < 1e-3F; });
}

TEST(ImagePathPlanes, TheFusedFormTakesPlanesWhereItCan) {
  const Image image = test::picture(60, 75, 0);
  const auto has_planes = [&](const test::JpegForm& form) {
    const test::Bytes bytes = test::encode_jpeg(image, form);
    const auto fused = numbers_of(bytes, Resampling::fused), exact = numbers_of(bytes, Resampling::exact);
    EXPECT_LT(distance(fused, exact), 1.5);
    EXPECT_TRUE(are_bytes(exact));
    return !are_bytes(fused);
  };
  EXPECT_TRUE(has_planes({.quality = 90, .rows = 2, .columns = 2}));
  EXPECT_TRUE(has_planes({.quality = 90}));
  EXPECT_FALSE(has_planes({.quality = 90, .is_progressive = true}));
  EXPECT_FALSE(has_planes({.quality = 90, .colours = JCS_CMYK}));
}

TEST(ImagePathPlanes, ABrokenJpegIsTheSameErrorInBothForms) {
  const test::Bytes whole = test::encode_jpeg(test::picture(60, 75), {.rows = 2, .columns = 2});
  const auto error = [](const test::Bytes& bytes, Resampling resampling) {
    return test::error_text<RowError>([&] { numbers_of(bytes, resampling); });
  };
  const auto expect_error = [&](const test::Bytes& bytes, const std::string& message) {
    EXPECT_EQ(error(bytes, Resampling::exact), message);
    EXPECT_EQ(error(bytes, Resampling::fused), message);
  };
  test::Bytes cut = whole;
  cut.resize(whole.size() * 2 / 3);
  expect_error(cut, "truncated JPEG: Premature end of JPEG file");
  cut.insert(cut.end(), {0xFF, 0xD9});
  expect_error(cut, "corrupt JPEG: Corrupt JPEG data: premature end of data segment");
  cut.resize(100);
  expect_error(cut, "truncated JPEG: Premature end of JPEG file");
}

}  // namespace
}  // namespace dime
