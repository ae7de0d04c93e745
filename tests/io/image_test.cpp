// SPDX-License-Identifier: Apache-2.0
#include "io/image.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include <algorithm>

#include "support/golden_images.hpp"

namespace dime {
namespace {

using nlohmann::json;
using test::Bytes;
using test::golden_image;
using test::image_error;
using testing::ThrowsMessage;

void put_u16(Bytes& bytes, std::size_t at, int value) {
  bytes.at(at) = static_cast<std::uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<std::uint8_t>(value);
}

// Where a baseline JPEG says its height; the width follows.
std::size_t jpeg_size_at(const Bytes& bytes) {
  for (std::size_t i = 0; i + 9 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && bytes[i + 1] == 0xC0) return i + 5;
  }
  return 0;
}

TEST(Image, DecodesAsTorchvisionAndPillowDo) {
  const json golden = test::golden_rows("decoded");
  ASSERT_EQ(golden.size(), 69u);
  Image image;
  for (const json& row : golden) {
    const std::string name = row.at("file");
    decode_image(golden_image(name), image);
    EXPECT_EQ(image.height, row.at("height").get<int>()) << name;
    EXPECT_EQ(image.width, row.at("width").get<int>()) << name;
    ASSERT_EQ(image.rgb.size(), static_cast<std::size_t>(image.height * image.width * 3)) << name;
    EXPECT_EQ(crc32(0, image.rgb.data(), static_cast<uInt>(image.rgb.size())), row.at("crc").get<std::uint32_t>())
        << name;
  }
}

TEST(Image, RefusesWhatIsNoImage) {
  EXPECT_EQ(image_error({}), "empty image");
  EXPECT_EQ(image_error({'G', 'I', 'F', '8', '8', 'a'}), "not a JPEG, PNG, WebP, BMP or GIF image");
  EXPECT_EQ(image_error({0xFF, 0xD8}), "not a JPEG, PNG, WebP, BMP or GIF image");
  EXPECT_EQ(image_error({'R', 'I', 'F', 'F', 4, 0, 0, 0, 'W', 'A', 'V', 'E'}),
            "not a JPEG, PNG, WebP, BMP or GIF image");
}

TEST(Image, RefusesATruncatedJpeg) {
  for (const char* name : {"420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "restart.jpg"}) {
    const Bytes whole = golden_image(name);
    for (std::size_t size = 3; size + 2 <= whole.size(); size += 7) {
      EXPECT_NE(image_error(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), "")
          << name << " " << size;
    }
  }
  Bytes half = golden_image("420.jpg");
  half.resize(half.size() / 2 + 200);
  EXPECT_EQ(image_error(half), "truncated JPEG: Premature end of JPEG file");
}

TEST(Image, RefusesATruncatedPng) {
  for (const char* name : {"rgb.png", "palette.png", "grey_16_bits.png"}) {
    const Bytes whole = golden_image(name);
    for (std::size_t size = 8; size < whole.size(); size += 5) {
      const std::string error = image_error(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_EQ(error, "truncated PNG: the file ends too early") << name << " " << size;
    }
  }
}

TEST(Image, RefusesACorruptPng) {
  Bytes bytes = golden_image("rgb.png");
  bytes[29] ^= 0xFF;  // the checksum of the header
  EXPECT_EQ(image_error(bytes), "corrupt PNG: IHDR: CRC error");
  bytes = golden_image("rgb.png");
  bytes[bytes.size() / 2] ^= 0xFF;
  EXPECT_NE(image_error(bytes), "");
}

TEST(Image, RefusesACorruptJpeg) {
  Bytes bytes = golden_image("420.jpg");
  bytes[2] = 0xFF;
  bytes[3] = 0xC3;  // lossless, which libjpeg does not decode
  EXPECT_EQ(image_error(bytes), "corrupt JPEG: Unsupported JPEG process: SOF type 0xc3");
}

// Writers leave what is meant for progressive scans at 0; no decoder of a sequential one reads it.
TEST(Image, DecodesAScanWithoutAnEnd) {
  Bytes bytes = golden_image("420.jpg");
  Image whole;
  decode_image(bytes, whole);
  const Bytes start_of_scan{0xFF, 0xDA};
  const auto scan = std::search(bytes.begin(), bytes.end(), start_of_scan.begin(), start_of_scan.end());
  ASSERT_LT(scan + 12, bytes.end());
  ASSERT_EQ(scan[12], 63);  // after the marker, the length, and three components
  scan[12] = 0;
  Image image;
  decode_image(bytes, image);
  EXPECT_EQ(image.rgb, whole.rgb);
}

TEST(Image, KeepsToTheLimitsBeforeItAllocates) {
  Bytes bytes = golden_image("420.jpg");
  const std::size_t at = jpeg_size_at(bytes);
  ASSERT_NE(at, 0u);
  put_u16(bytes, at, 20001);
  EXPECT_EQ(image_error(bytes), "JPEG image of 61 x 20001 pixels: a side is longer than 20000");
  put_u16(bytes, at, 20000);
  put_u16(bytes, at + 2, 20000);
  EXPECT_EQ(image_error(bytes), "JPEG image of 20000 x 20000 pixels: more than 178956970 pixels");
  EXPECT_EQ(image_error(golden_image("rgb.png"), {30, 1000}), "PNG image of 31 x 23 pixels: a side is longer than 30");
  EXPECT_EQ(image_error(golden_image("rgb.png"), {31, 712}), "PNG image of 31 x 23 pixels: more than 712 pixels");
  EXPECT_EQ(image_error(golden_image("rgb.png"), {31, 713}), "");
}

TEST(Image, DecodesAgainAfterAnError) {
  Image image;
  Bytes half = golden_image("420.jpg");
  half.resize(half.size() / 2);
  EXPECT_THROW(decode_image(half, image), RowError);
  decode_image(golden_image("rgb.png"), image);
  EXPECT_EQ(image.rgb.size(), 23u * 31u * 3u);
}

TEST(RawImage, RepeatsGreyAndCopiesRgb) {
  Image image;
  rgb_from_pixels(Bytes{1, 2, 3, 4, 5, 6}, {2, 3, 1}, image);
  EXPECT_EQ(image.rgb, (Bytes{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6}));
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 3);
  rgb_from_pixels(Bytes{1, 2, 3, 4, 5, 6}, {1, 2, 3}, image);
  EXPECT_EQ(image.rgb, (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(RawImage, RefusesWrongSizes) {
  Image image;
  const auto make = [&](PixelShape shape) { return [&image, shape] { rgb_from_pixels(Bytes(6), shape, image); }; };
  EXPECT_THAT(make({2, 2, 1}), ThrowsMessage<RowError>("raw image of 2 x 2 x 1 has 6 bytes, not 4"));
  EXPECT_THAT(make({3, 1, 2}), ThrowsMessage<RowError>("raw image with 2 channels: only 1 and 3 are known"));
  EXPECT_THAT(make({0, 6, 1}), ThrowsMessage<RowError>("raw image of 6 x 0 pixels: no pixels"));
  EXPECT_THAT(make({-2, -3, 1}), ThrowsMessage<RowError>("raw image of -3 x -2 pixels: no pixels"));
}

}  // namespace
}  // namespace dime
