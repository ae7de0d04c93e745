// SPDX-License-Identifier: Apache-2.0
#include "io/exif.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include <utility>

#include "support/golden_images.hpp"

namespace dime {
namespace {

using test::Bytes;
using test::golden_image;
using testing::ThrowsMessage;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Bytes prefix{'E', 'x', 'i', 'f', 0, 0};

/// A little-endian TIFF with one directory of one entry; the next directory is itself.
Bytes tiff(std::uint8_t type = 3, std::uint8_t count = 1, std::uint8_t value = 6) {
  return {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, type, 0, count, 0, 0, 0, value, 0, 0, 0, 8, 0, 0, 0};
}

Bytes jpeg(const Bytes& exif, int lie = 0) {
  const auto length = static_cast<std::uint8_t>(static_cast<int>(exif.size()) + 2 + lie);
  return joined({{0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xE1, 0, length}, exif, {0xFF, 0xD9}});
}

int in_jpeg(const Bytes& exif) { return exif_orientation(jpeg(joined({prefix, exif}))); }

TEST(Exif, GivesWhatPillowGives) {
  const nlohmann::json golden = test::golden_rows("upright");
  ASSERT_EQ(golden.size(), 13u);
  Image image;
  for (const auto& row : golden) {
    const std::string name = row.at("file");
    const Bytes bytes = golden_image(name);
    ASSERT_EQ(exif_orientation(bytes), row.at("orientation").get<int>()) << name;
    decode_image(bytes, image);
    apply_orientation(image, exif_orientation(bytes));
    EXPECT_EQ(image.height, row.at("height").get<int>()) << name;
    EXPECT_EQ(image.width, row.at("width").get<int>()) << name;
    EXPECT_EQ(crc32(0, image.rgb.data(), static_cast<uInt>(image.rgb.size())), row.at("crc").get<std::uint32_t>())
        << name;
  }
}

TEST(Exif, TurnsAnImageUpright) {
  // Pixels 1 2 3 over 4 5 6, told apart by red.
  const std::vector<Bytes> expected{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                                    {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image image{2, 3, {}};
    for (std::uint8_t i = 1; i <= 6; ++i) image.rgb.insert(image.rgb.end(), {i, 0, 9});
    apply_orientation(image, orientation);
    EXPECT_EQ(image.height, orientation < 5 ? 2 : 3);
    EXPECT_EQ(image.width, orientation < 5 ? 3 : 2);
    Bytes red;
    for (std::size_t i = 0; i < image.rgb.size(); i += 3) red.push_back(image.rgb[i]);
    EXPECT_EQ(red, expected[static_cast<std::size_t>(orientation - 1)]) << orientation;
  }
  Image image;
  EXPECT_THAT([&] { apply_orientation(image, 0); },
              ThrowsMessage<ArgumentError>("an EXIF orientation is 1 to 8, not 0"));
  EXPECT_THAT([&] { apply_orientation(image, 9); },
              ThrowsMessage<ArgumentError>("an EXIF orientation is 1 to 8, not 9"));
}

TEST(Exif, ReadsWhatWritersWrite) {
  EXPECT_EQ(in_jpeg(tiff()), 6);
  EXPECT_EQ(in_jpeg(tiff(1)), 6) << "a byte";
  EXPECT_EQ(in_jpeg(tiff(4)), 6) << "a long word";
  EXPECT_EQ(in_jpeg(joined({prefix, tiff()})), 6) << "the prefix twice";
  EXPECT_EQ(in_jpeg({'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0}), 8);
  // Another application's segment comes first.
  EXPECT_EQ(
      exif_orientation(joined(
          {{0xFF, 0xD8, 0xFF, 0xE1, 0, 5, 'x', 'm', 'p'}, {0xFF, 0xFF, 0xE1, 0, 34}, prefix, tiff(), {0xFF, 0xDA}})),
      6);
}

TEST(Exif, IsOneWhereThereIsNone) {
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(exif_orientation(Bytes{'x', 'y'}), 1);
  for (const char* name : {"420.jpg", "rgb.png", "lossy.webp", "adaptive.gif", "24_bits.bmp"}) {
    EXPECT_EQ(exif_orientation(golden_image(name)), 1) << name;
  }
}

TEST(Exif, IsOneWhereItIsDamaged) {
  for (const std::uint8_t value : {0, 9, 255}) EXPECT_EQ(in_jpeg(tiff(3, 1, value)), 1);
  EXPECT_EQ(in_jpeg(tiff(2)), 1) << "a text";
  EXPECT_EQ(in_jpeg(tiff(3, 2)), 1) << "two numbers";
  EXPECT_EQ(exif_orientation(jpeg(tiff())), 1) << "no prefix";
  const auto changed = [](std::size_t at, std::uint8_t byte) {
    Bytes bytes = tiff();
    bytes.at(at) = byte;
    return in_jpeg(bytes);
  };
  EXPECT_EQ(changed(0, 'M'), 1);
  EXPECT_EQ(changed(2, 43), 1);
  EXPECT_EQ(changed(7, 0xFF), 1) << "a directory far past the end";
  EXPECT_EQ(changed(4, 25), 1) << "a directory at the end";
  EXPECT_EQ(changed(4, 0), 1) << "a directory that is the header";
  EXPECT_EQ(changed(8, 0), 1) << "no entry";
  Bytes endless = tiff();
  endless[8] = endless[9] = 0xFF;
  endless[10] = 0;
  EXPECT_EQ(in_jpeg(endless), 1) << "more entries than bytes";
  for (const int lie : {-20, -8, 40}) EXPECT_EQ(exif_orientation(jpeg(joined({prefix, tiff()}), lie)), 1) << lie;
  const Bytes whole = tiff();
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(in_jpeg(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), 1) << size;
  }
}

TEST(Exif, IsOneWhereChunksLie) {
  Bytes png = golden_image("orientation_6.png");
  png.at(8) = 0xFF;  // the header's length
  EXPECT_EQ(exif_orientation(png), 1);
  Bytes webp = golden_image("orientation_6.webp");
  for (std::size_t i = 16; i < 20; ++i) webp.at(i) = 0xFF;  // the first chunk's length
  EXPECT_EQ(exif_orientation(webp), 1);
}

}  // namespace
}  // namespace dime
