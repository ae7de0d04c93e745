// SPDX-License-Identifier: Apache-2.0
// The own decoder of baseline JPEGs on files that are cut, changed or made to harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/golden_images.hpp"
#include "support/jpeg_files.hpp"
#include "support/jpeg_pictures.hpp"
#include "support/jpeg_reference.hpp"

namespace dime {
namespace {

using test::Bytes;
using test::picture;
using test::planes_of;

constexpr std::uint8_t kHuffman = 0xC4, kFrame = 0xC0, kScan = 0xDA, kRestart = 0xDD;

/// Where the n-th segment of a kind begins, with its marker.
std::size_t segment(const Bytes& bytes, std::uint8_t marker, int n = 0) {
  for (std::size_t at = 2; at + 4 < bytes.size(); at += 2U + bytes[at + 2] * 256U + bytes[at + 3]) {
    if (bytes[at + 1] == marker && n-- == 0) return at;
    if (bytes[at + 1] == kScan) break;
  }
  ADD_FAILURE() << "no segment " << int{marker};
  return 0;
}

/// Where the bits begin.
std::size_t scan_begin(const Bytes& bytes) {
  const std::size_t at = segment(bytes, kScan);
  return at + 2U + bytes[at + 2] * 256U + bytes[at + 3];
}

Bytes cut(const Bytes& bytes, std::size_t size) {
  Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  part.push_back(0xFF);
  part.push_back(0xD9);
  return part;
}

/// What libjpeg says of the region; empty where it decodes.
std::string region_error(const Bytes& bytes, const Box& region) {
  PixelBuffer pixels;
  try {
    open_image(bytes)->read(region, pixels);
  } catch (const RowError& error) {
    return error.what();
  }
  return "";
}

void expect_same(const PlanarImage& a, const PlanarImage& b) {
  for (std::size_t c = 0; c < 3; ++c) {
    const Box& box = a.planes[c].box;
    for (int y = box.top; y < box.top + box.height; ++y) {
      for (int x = box.left; x < box.left + box.width; ++x) {
        ASSERT_EQ(*a.planes[c].at(y, x), *b.planes[c].at(y, x)) << c << " " << y << " " << x;
      }
    }
  }
}

// 4:4:4, where libjpeg too needs no more than the rows of the region.
TEST(JpegDamage, ACutIsFoundOutWhereLibjpegFindsIt) {
  const Bytes whole = test::encode_jpeg(picture(64, 24), {.quality = 40});
  int good = 0, good_in_bad = 0;
  for (const Box& region : {Box{0, 0, 5, 24}, Box{20, 3, 30, 4}, Box{0, 0, 64, 24}}) {
    const auto expected = planes_of(whole, region);
    ASSERT_TRUE(expected);
    for (std::size_t size = scan_begin(whole); size < whole.size() - 2; ++size) {
      const Bytes part = cut(whole, size);
      const auto planes = planes_of(part, region);
      ASSERT_EQ(planes.has_value(), region_error(part, region).empty()) << size;
      if (!planes) continue;
      ++good;
      good_in_bad += !test::image_error(part).empty();
      expect_same(*planes, *expected);
    }
  }
  EXPECT_GT(good, 500);
  EXPECT_GT(good_in_bad, 500) << "the rest of the image was cut";
}

TEST(JpegDamage, EveryPrefixIsHarmless) {
  const Bytes whole = test::encode_jpeg(picture(50, 70), {.rows = 2, .columns = 2, .is_optimised = true});
  const Box all{0, 0, 50, 70};
  int good = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part = cut(whole, size);
    try {
      const bool is_read = planes_of(part, all).has_value();
      ASSERT_EQ(is_read, test::image_error(part).empty()) << size;
      good += is_read;
    } catch (const RowError&) {
      ASSERT_LT(size, scan_begin(whole));
    }
    // Without the end marker it may have been cut anywhere.
    Bytes open = part;
    open.resize(size);
    if (size >= scan_begin(whole)) {
      ASSERT_FALSE(planes_of(open, {0, 0, 1, 1})) << size;
    }
  }
  EXPECT_GE(good, 1);
}

/// Where our decoder and libjpeg both take the file, their coefficients are the same: by the formula.
void expect_reference(const Bytes& bytes, const PlanarImage& planes) {
  test::JpegReference reference(bytes);
  ASSERT_TRUE(reference.is_good());
  for (std::size_t c = 0; c < 3; ++c) {
    const Box& box = planes.planes[c].box;
    for (int y = box.top; y < box.top + box.height; y += 8) {
      for (int x = box.left; x < box.left + box.width; x += 8) {
        const test::ReferenceBlock block = reference.block(c, y / 8, x / 8);
        for (std::size_t i = 0; i < 64; ++i) {
          const std::uint8_t pixel = *planes.planes[c].at(y + static_cast<int>(i / 8), x + static_cast<int>(i % 8));
          ASSERT_TRUE(block.agrees(i, pixel))
              << c << " " << y << " " << x << ": " << int{pixel} << ", not " << block.pixels[i];
        }
      }
    }
  }
}

TEST(JpegDamage, ChangedBitsAreReadAsLibjpegReadsThemOrNotAtAll) {
  CounterRandom random(31);
  int both = 0, ours_alone = 0;
  for (const test::JpegForm& form : {test::JpegForm{.quality = 60},
                                     {.quality = 90, .rows = 2, .columns = 2},
                                     {.quality = 20, .columns = 2, .is_optimised = true},
                                     {.quality = 97, .rows = 2, .is_optimised = true}}) {
    const Bytes whole = test::encode_jpeg(picture(40, 56, 20), form);
    const std::size_t begin = scan_begin(whole);
    for (int i = 0; i < 1500; ++i) {
      Bytes bytes = whole;
      for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
        const std::size_t at = begin + random.below(bytes.size() - 2 - begin);
        bytes[at] = static_cast<std::uint8_t>(random.below(2) ? random.bits() : bytes[at] ^ (1U << random.below(8)));
      }
      const auto planes = planes_of(bytes, {0, 0, 40, 56});
      const bool is_taken = test::image_error(bytes).empty();
      ours_alone += planes && !is_taken;
      if (!planes || !is_taken) continue;
      ++both;
      expect_reference(bytes, *planes);
    }
  }
  EXPECT_GT(both, 400);
  EXPECT_EQ(ours_alone, 0) << "the whole image was asked for";
}

TEST(JpegDamage, ChangedHeadersAreHarmless) {
  CounterRandom random(32);
  const Bytes whole = test::encode_jpeg(picture(24, 40), {.rows = 2, .columns = 2});
  int both = 0;
  for (int i = 0; i < 6000; ++i) {
    Bytes bytes = whole;
    for (std::uint64_t n = 1 + random.below(2); n > 0; --n) {
      bytes[2 + random.below(scan_begin(whole) - 2)] = static_cast<std::uint8_t>(random.bits());
    }
    try {
      const auto source = open_image(bytes, {256, 1 << 16});
      detail::JpegBaseline decoder;
      PlanarImage planes;
      const bool is_read = source->read_planes({0, 0, source->size().height, source->size().width}, decoder, planes);
      if (!is_read || !test::image_error(bytes).empty()) continue;
      ++both;
      expect_reference(bytes, planes);
    } catch (const RowError&) {
    }
  }
  EXPECT_GT(both, 200);
}

TEST(JpegDamage, AMarkerEndsTheBits) {
  const Bytes whole = test::encode_jpeg(picture(32, 32), {.quality = 90});
  const std::size_t begin = scan_begin(whole);
  for (const std::uint8_t marker : {0xD0, 0xD7, 0xD9, 0xDA, 0xFE, 0x01}) {
    for (std::size_t at = begin; at < whole.size() - 2; at += 7) {
      Bytes bytes = whole;
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), {0xFF, marker});
      // In the middle of a stuffed byte it is the end before it.
      ASSERT_FALSE(planes_of(bytes, {0, 0, 32, 32})) << int{marker} << " " << at;
      ASSERT_NE(region_error(bytes, {0, 0, 32, 32}), "") << int{marker} << " " << at;
    }
  }
}

/// Reads no planes, and libjpeg says why.
void expect_refused(const Bytes& bytes, const std::string& message) {
  EXPECT_FALSE(planes_of(bytes, {0, 0, 8, 8})) << message;
  EXPECT_EQ(region_error(bytes, {0, 0, 8, 8}), message);
}

// libjpeg keeps numbers of tables as they are in the file, until it begins to decode.
TEST(JpegDamage, TablesThatThereCannotBeAreNotLookedFor) {
  const Bytes whole = test::encode_jpeg(picture(16, 16));
  for (const std::uint8_t number : {4, 5, 100, 255}) {
    Bytes bytes = whole;
    bytes[segment(bytes, kFrame) + 12] = number;
    const char* digits = "0123456789abcdef";
    expect_refused(bytes, std::string("corrupt JPEG: Quantization table 0x") + digits[number / 16] +
                              digits[number % 16] + " was not defined");
  }
  for (int number = 4; number < 16; ++number) {
    for (const int shift : {0, 4}) {
      Bytes bytes = whole;
      bytes[segment(bytes, kScan) + 6] = static_cast<std::uint8_t>(number << shift);
      expect_refused(bytes,
                     std::string("corrupt JPEG: Huffman table 0x0") + "0123456789abcdef"[number] + " was not defined");
    }
  }
}

TEST(JpegDamage, CodesThatLibjpegRefusesAreRefused) {
  // All its bits are the first codes, which stay what they are.
  const Bytes whole = test::encode_jpeg(Image{16, 16, Bytes(std::size_t{16} * 16 * 3, 128)});
  ASSERT_TRUE(planes_of(whole, {0, 0, 8, 8}));
  const std::string message = "corrupt JPEG: Bogus Huffman table definition";
  const std::size_t counts = segment(whole, kHuffman) + 5;
  {
    SCOPED_TRACE("a DC symbol with a run");
    Bytes bytes = whole;
    bytes[counts + 16 + 3] = 0x13;
    expect_refused(bytes, message);
  }
  {
    SCOPED_TRACE("a code of ones alone");
    Bytes bytes = whole;
    // Twelve codes, as before: 00, 010 to 101, 1100, 1101, 11100 to 11110, 111110 and 111111.
    const Bytes of_ones{0, 1, 4, 2, 3, 2, 0, 0, 0};
    std::copy(of_ones.begin(), of_ones.end(), bytes.begin() + static_cast<std::ptrdiff_t>(counts));
    expect_refused(bytes, message);
  }
  {
    SCOPED_TRACE("more codes than fit");
    Bytes bytes = whole;
    bytes[counts] = 12;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(counts) + 1, 15, 0);
    expect_refused(bytes, message);
  }
}

TEST(JpegDamage, DcValuesThatGrowBeyondTheirRangeAreNotKept) {
  // Differences of 2047 in each block, and steps of 255.
  Bytes bytes = test::encode_jpeg(Image{8, 800, Bytes(8 * 800 * 3, 255)}, {.quality = 1});
  const std::size_t begin = scan_begin(bytes);
  bytes.resize(begin);
  // 111111110 and eleven ones; 1010 ends the block; twice 00 and 00 for Cb and Cr.
  std::string bits;
  for (int i = 0; i < 100; ++i)
    bits +=
        "111111110"
        "11111111111"
        "1010"
        "00"
        "00"
        "00"
        "00";
  bits.resize((bits.size() + 7) / 8 * 8, '1');
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(bits.substr(i, 8), nullptr, 2)));
    if (bytes.back() == 0xFF) bytes.push_back(0);
  }
  bytes = cut(bytes, bytes.size());
  EXPECT_EQ(test::image_error(bytes), "");
  EXPECT_FALSE(planes_of(bytes, {0, 0, 8, 800}));
  EXPECT_FALSE(planes_of(bytes, {0, 0, 8, 1})) << "a row is read whole";
}

TEST(JpegDamage, ARestartIntervalIsLeftToLibjpeg) {
  Bytes bytes = test::encode_jpeg(picture(16, 32));
  ASSERT_TRUE(planes_of(bytes, {0, 0, 16, 32}));
  const Bytes interval{0xFF, kRestart, 0, 4, 0, 2};
  const std::size_t at = segment(bytes, kScan);
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), interval.begin(), interval.end());
  EXPECT_FALSE(planes_of(bytes, {0, 0, 16, 32}));
}

// The largest sides that are taken, and next to nothing in the file.
TEST(JpegDamage, AGiantThatIsEmptyEndsAtOnce) {
  Bytes bytes = test::encode_jpeg(picture(16, 16), {.rows = 2, .columns = 2});
  const std::size_t frame = segment(bytes, kFrame);
  const auto set_size = [&](int height, int width) {
    bytes[frame + 5] = static_cast<std::uint8_t>(height >> 8);
    bytes[frame + 6] = static_cast<std::uint8_t>(height & 255);
    bytes[frame + 7] = static_cast<std::uint8_t>(width >> 8);
    bytes[frame + 8] = static_cast<std::uint8_t>(width & 255);
  };
  set_size(8900, 20000);
  EXPECT_FALSE(planes_of(bytes, {8899, 19999, 1, 1}));
  EXPECT_FALSE(planes_of(bytes, {0, 0, 16, 16})) << "a row of units is not there";
  set_size(20000, 8);
  const auto planes = planes_of(bytes, {0, 0, 16, 8});
  ASSERT_TRUE(planes);
  EXPECT_EQ(planes->planes[0].box.height, 16);
  EXPECT_FALSE(planes_of(bytes, {0, 0, 17, 8}));
}

TEST(JpegDamage, ATinyRegionOfALargeImageTakesLittleMemory) {
  const Image image{6000, 40, Bytes(std::size_t{6000} * 40 * 3, 130)};
  const Bytes bytes = test::encode_jpeg(image, {.rows = 2, .columns = 2});
  const auto planes = planes_of(bytes, {5990, 20, 3, 3});
  ASSERT_TRUE(planes);
  EXPECT_EQ(planes->planes[0].columns.count(), 16);
  EXPECT_EQ(planes->planes[0].columns.length(), 16);
  EXPECT_EQ(planes->planes[1].columns.count(), 8);
  EXPECT_EQ(*planes->planes[0].at(5990, 20), 130);
}

}  // namespace
}  // namespace dime
