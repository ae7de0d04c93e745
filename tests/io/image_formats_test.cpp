// SPDX-License-Identifier: Apache-2.0
// Hostile files of each format: sizes, truncation, bombs, and what is refused.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>

#include "io/exif.hpp"

#include "support/odd_images.hpp"

namespace dime {
namespace {

using test::Bytes;
using test::golden_image;
using test::image_error;
using testing::ThrowsMessage;

constexpr const char* too_long = " pixels: a side is longer than 20000";

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(ImageFormats, ReadTheSizeFromTheHeader) {
  const nlohmann::json golden = test::golden_rows("decoded");
  for (const auto& row : golden) {
    const std::string name = row.at("file");
    const ImageInfo info = image_info(golden_image(name));
    EXPECT_EQ(info.height, row.at("height").get<int>()) << name;
    EXPECT_EQ(info.width, row.at("width").get<int>()) << name;
  }
  EXPECT_EQ(image_info(golden_image("420.jpg")).format, "JPEG");
  EXPECT_EQ(image_info(golden_image("rgb.png")).format, "PNG");
  EXPECT_EQ(image_info(golden_image("lossy.webp")).format, "WebP");
  EXPECT_EQ(image_info(golden_image("os2.bmp")).format, "BMP");
  EXPECT_EQ(image_info(golden_image("interlaced.gif")).format, "GIF");
}

TEST(ImageFormats, SayWhyAHeaderGivesNoSize) {
  const auto info = [](Bytes bytes) { return [bytes = std::move(bytes)] { image_info(bytes); }; };
  EXPECT_THAT(info({}), ThrowsMessage<RowError>("empty image"));
  EXPECT_THAT(info({'B'}), ThrowsMessage<RowError>("not a JPEG, PNG, WebP, BMP or GIF image"));
  EXPECT_THAT(info({'B', 'M'}), ThrowsMessage<RowError>("truncated BMP: the file ends too early"));
  EXPECT_THAT(info({0xFF, 0xD8, 0xFF}), ThrowsMessage<RowError>("truncated JPEG: the file ends too early"));
  EXPECT_THAT(info({0xFF, 0xD8, 0xFF, 0xD9}), ThrowsMessage<RowError>("corrupt JPEG: a scan before any frame header"));
  EXPECT_THAT(info(test::golden_with("rgb.png", 12, 0, 1)),
              ThrowsMessage<RowError>("corrupt PNG: it does not begin with IHDR"));
  EXPECT_THAT(info({'G', 'I', 'F', '8', '9', 'a'}), ThrowsMessage<RowError>("truncated GIF: the file ends too early"));
}

// As libjpeg reads it: there is nothing in it.
TEST(ImageFormats, PassOverASegmentShorterThanItsLength) {
  Bytes bytes = golden_image("420.jpg");
  const Bytes segment{0xFF, 0xE5, 0, 0};
  bytes.insert(bytes.begin() + 2, segment.begin(), segment.end());
  EXPECT_EQ(image_error(bytes), "");
  EXPECT_EQ(image_info(bytes).height, 47);
}

// Every prefix of every file: a RowError, or all of the picture.
TEST(ImageFormats, NeverDecodeAPartOfAPicture) {
  const nlohmann::json golden = test::golden_rows("decoded");
  for (const auto& row : golden) {
    const std::string name = row.at("file");
    const Bytes whole = golden_image(name);
    Image expected, image;
    decode_image(whole, expected);
    const int orientation = exif_orientation(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_LE(exif_orientation(part), orientation) << name << " " << size;
      try {
        const ImageInfo info = image_info(part);
        ASSERT_TRUE(info.height == expected.height && info.width == expected.width) << name << " " << size;
      } catch (const RowError&) {
      }
      try {
        decode_image(part, image);
      } catch (const RowError&) {
        continue;
      }
      ASSERT_EQ(image.rgb, expected.rgb) << name << " " << size;
    }
  }
}

TEST(ImageFormats, SayThatAFileEndsTooEarly) {
  for (const auto& [name, format] : {std::pair{"lossy.webp", "WebP"},
                                     {"lossless.webp", "WebP"},
                                     {"24_bits.bmp", "BMP"},
                                     {"rle4.bmp", "BMP"},
                                     {"adaptive.gif", "GIF"},
                                     {"interlaced.png", "PNG"}}) {
    Bytes half = golden_image(name);
    half.resize(half.size() / 2);
    EXPECT_EQ(image_error(half), "truncated " + std::string(format) + ": the file ends too early") << name;
  }
  // The file says that it is whole, but its picture is not.
  EXPECT_EQ(image_error(test::short_webp()), "truncated WebP: its picture ends too early");
}

TEST(ImageFormats, RefuseGiantSizesBeforeTheyAllocate) {
  for (const std::uint32_t side : {20001U, 0x7FFFFFFFU}) {
    Bytes png = test::png_start(side, 1);
    test::add_chunk(png, "IDAT", test::deflated(2));
    EXPECT_EQ(image_error(png), "PNG image of " + std::to_string(side) + " x 1" + too_long);
  }
  EXPECT_EQ(image_error(test::golden_with("lossy_alpha.webp", 24, 0xFFFFFF, 3)),
            std::string("WebP image of 16777216 x 23") + too_long);
  EXPECT_EQ(image_error(test::golden_with("lossless.webp", 21, 0x0FFFFFFF, 4)),
            "WebP image of 16384 x 16384 pixels: more than 178956970 pixels");
  EXPECT_EQ(image_error(test::golden_with("lossy.webp", 26, 0, 2)), "WebP image of 0 x 23 pixels: no pixels");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 18, 20001, 4)),
            std::string("BMP image of 20001 x 9") + too_long);
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 22, 0x80000000, 4)),
            std::string("BMP image of 13 x 2147483648") + too_long);
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 18, 0xFFFFFFF3, 4)), "BMP image of -13 x 9 pixels: no pixels");
  EXPECT_EQ(image_error(test::golden_with("rle8.bmp", 22, 0, 4)), "BMP image of 13 x 0 pixels: no pixels");
  EXPECT_EQ(image_error(test::golden_with("adaptive.gif", 6, 0xFFFF, 2)),
            std::string("GIF image of 65535 x 23") + too_long);
}

TEST(ImageFormats, KeepToTheLimits) {
  for (const auto& [name, format] :
       {std::pair{"rgb.png", "PNG"}, {"lossy.webp", "WebP"}, {"pillow.bmp", "BMP"}, {"adaptive.gif", "GIF"}}) {
    const std::string size = std::string(format) + " image of 31 x 23 pixels: ";
    EXPECT_EQ(image_error(golden_image(name), {30, 1000}), size + "a side is longer than 30");
    EXPECT_EQ(image_error(golden_image(name), {31, 712}), size + "more than 712 pixels");
    EXPECT_EQ(image_error(golden_image(name), {31, 713}), "");
  }
}

TEST(Png, StopsAtTheEndOfThePicture) {
  Bytes png = test::png_start(1, 1);
  test::add_chunk(png, "IDAT", test::deflated(std::size_t{1} << 26));
  test::add_chunk(png, "IEND", {});
  const long before = peak_kilobytes();
  EXPECT_EQ(image_error(png), "");
  EXPECT_LT(peak_kilobytes() - before, 32 << 10);
}

TEST(Png, KeepsNoTexts) {
  Bytes text{'a', 0, 0};
  test::add_bytes(text, test::deflated(std::size_t{16} << 20, 'x'));
  Bytes png = test::png_start(1, 1);
  for (int i = 0; i < 40; ++i) test::add_chunk(png, "zTXt", text);
  test::add_chunk(png, "IDAT", test::deflated(2));
  test::add_chunk(png, "IEND", {});
  const long before = peak_kilobytes();
  EXPECT_EQ(image_error(png), "");
  EXPECT_LT(peak_kilobytes() - before, 128 << 10);
}

TEST(WebP, RefusesWhatIsDamaged) {
  EXPECT_EQ(image_error(test::golden_with("lossless.webp", 20, 0, 1)),
            "corrupt WebP: it does not begin with a picture");
  EXPECT_EQ(image_error(test::golden_with("lossless.webp", 12, 'X', 1)),
            "corrupt WebP: it does not begin with a picture");
  EXPECT_EQ(image_error(test::golden_with("lossless.webp", 4, 0, 4)), "corrupt WebP: its chunks do not fit together");
  EXPECT_EQ(image_error(test::golden_with("lossy_alpha.webp", 24, 40, 3)),
            "corrupt WebP: its chunks do not fit together");
  Bytes bytes = golden_image("lossless.webp");
  std::fill(bytes.begin() + 26, bytes.end(), 0xFF);
  EXPECT_EQ(image_error(bytes), "corrupt WebP: its picture does not decode");
}

TEST(Bmp, RefusesWhatNoVersionHas) {
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 14, 41, 4)),
            "corrupt BMP: a header of 41 bytes, which no version has");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 28, 5, 2)),
            "corrupt BMP: pixels of 5 bits, not 1, 4, 8, 16, 24 or 32");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 30, 4, 4)),
            "corrupt BMP: compression 4, not 0 (none), 1 (RLE8), 2 (RLE4) or 3 (masks)");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 30, 1, 4)), "corrupt BMP: compression 1 of pixels of 24 bits");
  EXPECT_EQ(image_error(test::golden_with("8_bits.bmp", 30, 3, 4)), "corrupt BMP: compression 3 of pixels of 8 bits");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 10, 53, 4)),
            "corrupt BMP: its pixels begin inside its header");
  EXPECT_EQ(image_error(test::golden_with("24_bits.bmp", 10, 0xFFFFFFFF, 4)), "truncated BMP: the file ends too early");
  EXPECT_EQ(image_error(test::golden_with("8_bits.bmp", 46, 0xFFFFFFFF, 4)),
            "corrupt BMP: a palette of 4294967295 colours");
  for (const std::uint32_t mask : {0U, 0xF8U, 0x5000U, 0x10000U}) {
    EXPECT_EQ(image_error(test::golden_with("565.bmp", 54, mask, 4)),
              "corrupt BMP: colour masks that are empty, broken or overlap")
        << mask;
  }
}

TEST(Bmp, FindsPixelsWhoseBeginIsNotStated) {
  for (const char* name : {"8_bits.bmp", "24_bits.bmp", "565.bmp", "os2.bmp"}) {
    const Bytes bytes = golden_image(name);
    Image expected, image;
    decode_image(bytes, expected);
    decode_image(test::golden_with(name, 10, 0, 4), image);
    // The palette of the OS/2 header has as many colours as the bits have numbers.
    EXPECT_EQ(image.rgb, expected.rgb) << name;
  }
}

/// A BMP of 4 x 2 pixels of 8 bits, whose palette makes an index its level of red.
std::string runs_error(const Bytes& runs, Image& image) {
  Bytes bytes(54 + 16 * 4);
  test::put_little(bytes, 0, 0x4D42, 2);
  test::put_little(bytes, 10, static_cast<std::uint32_t>(bytes.size()), 4);
  test::put_little(bytes, 14, 40, 4);
  test::put_little(bytes, 18, 4, 4);
  test::put_little(bytes, 22, 2, 4);
  test::put_little(bytes, 28, 8, 2);
  test::put_little(bytes, 30, 1, 4);
  test::put_little(bytes, 46, 16, 4);
  for (std::size_t i = 0; i < 16; ++i) bytes[54 + 4 * i + 2] = static_cast<std::uint8_t>(i);
  test::add_bytes(bytes, runs);
  try {
    decode_image(bytes, image);
  } catch (const RowError& error) {
    return error.what();
  }
  return "";
}

Bytes reds(const Image& image) {
  Bytes red;
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) red.push_back(image.rgb[i]);
  return red;
}

TEST(Bmp, ReadsRuns) {
  Image image;
  EXPECT_EQ(runs_error({4, 1, 0, 0, 0, 3, 2, 3, 4, 0, 1, 5}, image), "");
  EXPECT_EQ(reds(image), (Bytes{2, 3, 4, 5, 1, 1, 1, 1}));
  EXPECT_EQ(runs_error({1, 1, 0, 2, 1, 1, 2, 7, 0, 0, 0, 1}, image), "");
  EXPECT_EQ(reds(image), (Bytes{0, 0, 7, 7, 1, 0, 0, 0}));
  EXPECT_EQ(runs_error({0, 0, 9, 8}, image), "");
  EXPECT_EQ(reds(image), (Bytes{8, 8, 8, 8, 0, 0, 0, 0})) << "what is beyond the row is dropped";
}

TEST(Bmp, RefusesBrokenRuns) {
  Image image;
  EXPECT_EQ(runs_error({4, 1, 0, 1}, image), "corrupt BMP: its runs end before its last row");
  EXPECT_EQ(runs_error({0, 5, 1, 2, 3, 4, 5, 0}, image), "corrupt BMP: a run leaves its row");
  EXPECT_EQ(runs_error({0, 2, 5, 0}, image), "corrupt BMP: a jump leaves the picture");
  EXPECT_EQ(runs_error({0, 2, 0, 2}, image), "corrupt BMP: a jump leaves the picture");
  EXPECT_EQ(runs_error({4, 1, 0, 0, 4}, image), "truncated BMP: the file ends too early");
  EXPECT_EQ(runs_error({0, 4, 1, 2}, image), "truncated BMP: the file ends too early");
}

/// A GIF of 2 x 2 grey pixels: blocks after the screen's descriptor.
Bytes gif(const Bytes& blocks) {
  Bytes bytes{'G', 'I', 'F', '8', '9', 'a', 2, 0, 2, 0, 0, 0, 0};
  test::add_bytes(bytes, blocks);
  return bytes;
}

TEST(Gif, RefusesWhatIsDamaged) {
  EXPECT_EQ(image_error(gif({';'})), "corrupt GIF: it has no frame");
  EXPECT_EQ(image_error(gif({'?'})), "corrupt GIF: Wrong record type detected");
  EXPECT_EQ(image_error(gif({',', 0, 0, 0, 0, 0, 0, 2, 0, 0, 2})), "corrupt GIF: its first frame has no pixels");
  // A clear code and at once the end code.
  EXPECT_EQ(image_error(gif({',', 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 1, 0x2C, 0})),
            "corrupt GIF: Image EOF detected before image complete");
  EXPECT_EQ(image_error(gif({',', 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 2, 0x3C, 0xFF, 0})),
            "corrupt GIF: Image is defective, decoding aborted");
}

}  // namespace
}  // namespace dime
