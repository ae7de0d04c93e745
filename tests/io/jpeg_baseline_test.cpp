// SPDX-License-Identifier: Apache-2.0
// The own decoder of baseline JPEGs against libjpeg and against formulas; damaged files: jpeg_damage_test.cpp.
#include "io/jpeg_baseline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <dime/random.hpp>

#include "io/pixel_source.hpp"
#include "support/golden_images.hpp"
#include "support/jpeg_files.hpp"
#include "support/jpeg_pictures.hpp"
#include "support/jpeg_reference.hpp"

namespace dime {
namespace {

using detail::HuffmanCode;
using detail::HuffmanSpec;
using test::Bytes;
using test::JpegForm;
using test::picture;
using test::planes_of;

// ---- Huffman codes

HuffmanSpec spec_of(const JHUFF_TBL& table) {
  HuffmanSpec spec;
  std::copy(std::begin(table.bits), std::end(table.bits), spec.counts.begin());
  std::copy(std::begin(table.huffval), std::end(table.huffval), spec.symbols.begin());
  return spec;
}

/// The tables that libjpeg writes by default: DC and AC, of luma and of chroma.
std::array<HuffmanSpec, 4> standard_specs() {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  const std::array<HuffmanSpec, 4> specs{spec_of(*codec.dc_huff_tbl_ptrs[0]), spec_of(*codec.ac_huff_tbl_ptrs[0]),
                                         spec_of(*codec.dc_huff_tbl_ptrs[1]), spec_of(*codec.ac_huff_tbl_ptrs[1])};
  jpeg_destroy_compress(&codec);
  return specs;
}

struct Code {
  std::uint64_t bits;
  int length;
  std::uint8_t symbol;
};

std::vector<Code> codes_of(const HuffmanSpec& spec) {
  std::vector<Code> codes;
  std::uint64_t next = 0;
  for (int length = 1; length <= 16; ++length, next <<= 1) {
    for (int i = 0; i < spec.counts[static_cast<std::size_t>(length)]; ++i) {
      codes.push_back({next++, length, spec.symbols[codes.size()]});
    }
  }
  return codes;
}

/// Every code with values of its size, before bits of every kind.
void expect_decodes(const HuffmanSpec& spec) {
  const auto code = std::make_unique<HuffmanCode>();
  ASSERT_TRUE(code->set(spec));
  CounterRandom random(4);
  for (const Code& c : codes_of(spec)) {
    const int size = c.symbol & 15, run = c.symbol >> 4;
    for (int i = 0; i < 40; ++i) {
      const auto raw = static_cast<std::uint64_t>(i == 0 ? 0 : i == 1 ? (1 << size) - 1 : random.below(1ULL << size));
      const bool negative = size > 0 && raw >> (size - 1) == 0;
      const int value = static_cast<int>(raw) - (negative ? (1 << size) - 1 : 0), length = c.length + size;
      const std::uint64_t stream = ((c.bits << size) | raw) << (64 - length) | random.bits() >> length;
      const HuffmanCode::Entry entry = code->complete(stream);
      const bool ends = size == 0 && run != 15;
      ASSERT_EQ(entry.length, length) << int{c.symbol} << " " << raw;
      ASSERT_EQ(entry.step, ends ? HuffmanCode::kPastEnd : run + 1) << int{c.symbol};
      ASSERT_EQ(entry.value, value) << int{c.symbol} << " " << raw;
      const HuffmanCode::Entry fast = code->look_up(stream);
      ASSERT_EQ(fast.is_open(), length > HuffmanCode::kBits && (size > 0 || c.length > HuffmanCode::kBits));
      if (!fast.is_open()) {
        ASSERT_EQ(fast.value, value);
      }
    }
  }
}

TEST(HuffmanCode, DecodesTheStandardTables) {
  for (const HuffmanSpec& spec : standard_specs()) expect_decodes(spec);
}

TEST(HuffmanCode, DecodesCodesOfEveryLength) {
  HuffmanSpec spec;
  for (std::size_t length = 1; length <= 16; ++length) {
    spec.counts[length] = 1;
    spec.symbols[length - 1] = static_cast<std::uint8_t>(length * 16 + 16 - length);
  }
  expect_decodes(spec);
  const auto code = std::make_unique<HuffmanCode>();
  ASSERT_TRUE(code->set(spec));
  EXPECT_TRUE(code->complete(~0ULL).is_unknown()) << "ones alone are no code";
  EXPECT_TRUE(code->look_up(~0ULL).is_unknown());
}

TEST(HuffmanCode, RefusesWhatIsNoCode) {
  const auto code = std::make_unique<HuffmanCode>();
  const HuffmanSpec good = standard_specs()[1];
  HuffmanSpec overfull;
  overfull.counts[1] = 1;
  overfull.counts[2] = 3;
  HuffmanSpec of_ones;
  of_ones.counts[1] = 2;
  HuffmanSpec too_many;
  too_many.counts[15] = 200;
  too_many.counts[16] = 57;
  for (const HuffmanSpec& bad : {overfull, of_ones, too_many}) {
    EXPECT_FALSE(code->set(bad));
    EXPECT_FALSE(code->set(bad)) << "again";
    EXPECT_TRUE(code->set(good));
    EXPECT_EQ(code->complete(0).length, codes_of(good)[0].length + (good.symbols[0] & 15));
  }
  EXPECT_TRUE(code->set({})) << "an empty code";
  EXPECT_TRUE(code->complete(0).is_unknown());
}

// ---- The transform

struct Coefficients {
  detail::JpegBlock block{};
  std::array<std::uint16_t, 64> steps{};
};

Coefficients random_coefficients(CounterRandom& random, bool is_extreme) {
  Coefficients made;
  const std::uint64_t filled = 1 + random.below(64);
  for (std::size_t i = 0; i < 64; ++i) {
    const auto below = [&](std::uint64_t n) { return static_cast<int>(random.below(n)); };
    const int most = std::numeric_limits<std::int16_t>::max();
    const int value = is_extreme ? (below(3) == 0 ? (below(2) ? most : -most) : below(65535) - most) : below(41) - 20;
    made.block[i] = static_cast<std::int16_t>(random.below(64) < filled ? value : 0);
    made.steps[i] = static_cast<std::uint16_t>(is_extreme ? (below(2) ? 65535 : below(65536)) : 1 + below(40));
  }
  return made;
}

std::array<std::uint8_t, 64> transposed(detail::JpegIdct transform, const Coefficients& from) {
  constexpr std::size_t stride = 11;
  std::array<std::uint8_t, 8 * stride> out{};
  out.fill(77);
  transform(from.block, detail::jpeg_scales(from.steps.data()), out.data(), stride);
  std::array<std::uint8_t, 64> pixels{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % stride < 8) {
      pixels[i % stride * 8 + i / stride] = out[i];
    } else {
      EXPECT_EQ(out[i], 77) << "it writes beside its block";
    }
  }
  return pixels;
}

TEST(JpegIdct, IsTheCosineFormulaAndTheSameOnEveryProcessor) {
  CounterRandom random(11);
  int inside = 0;
  for (int i = 0; i < 6000; ++i) {
    const Coefficients from = random_coefficients(random, i % 3 == 0);
    const auto pixels = transposed(detail::portable_idct(), from);
    ASSERT_EQ(pixels, transposed(detail::jpeg_idct(), from)) << i;
    const test::ReferenceBlock expected = test::reference_block(from.block, from.steps);
    for (std::size_t p = 0; p < 64; ++p) {
      ASSERT_TRUE(expected.agrees(p, pixels[p])) << i << " " << expected.pixels[p] << " " << int{pixels[p]};
      inside += pixels[p] > 0 && pixels[p] < 255;
    }
  }
  EXPECT_GT(inside, 50000) << "most are cut";
}

// ---- Planes

Box random_region(const Image& image, CounterRandom& random) {
  const auto below = [&](int n) { return static_cast<int>(random.below(static_cast<std::uint64_t>(n))); };
  const int height = 1 + below(image.height), width = 1 + below(image.width);
  return {below(image.height - height + 1), below(image.width - width + 1), height, width};
}

/// Channel c over `region` of the whole channel, within 1.
void expect_plane(const TransposedPlane& plane, const test::SamplePlane& expected, const Box& region,
                  const std::string& name) {
  const Box& box = plane.box;
  ASSERT_TRUE(box.top <= region.top && box.top + box.height >= region.top + region.height) << name;
  ASSERT_TRUE(box.left <= region.left && box.left + box.width >= region.left + region.width) << name;
  for (int y = region.top; y < region.top + region.height; ++y) {
    for (int x = region.left; x < region.left + region.width; ++x) {
      ASSERT_LE(std::abs(*plane.at(y, x) - expected.at(y, x)), 1) << name << " at " << y << ", " << x;
    }
  }
}

Box coarser_box(const Box& box, int rows, int columns) {
  const int top = box.top / rows, left = box.left / columns;
  return {top, left, (box.top + box.height + rows - 1) / rows - top,
          (box.left + box.width + columns - 1) / columns - left};
}

void expect_planes(const Image& image, const JpegForm& form, CounterRandom& random) {
  const Bytes bytes = test::encode_jpeg(image, form);
  const test::SamplePlane grey = test::grey_plane(bytes);
  const auto stored = test::stored_planes(bytes);
  const std::string name = std::to_string(image.height) + "x" + std::to_string(image.width) + " " +
                           std::to_string(form.rows) + std::to_string(form.columns) + " quality " +
                           std::to_string(form.quality);
  detail::JpegBaseline decoder;
  PlanarImage planes;
  for (int i = 0; i < 4; ++i) {
    const Box region = i == 0 ? Box{0, 0, image.height, image.width} : random_region(image, random);
    ASSERT_TRUE(open_image(bytes)->read_planes(region, decoder, planes)) << name;
    ASSERT_EQ(planes.rows, form.rows);
    ASSERT_EQ(planes.columns, form.columns);
    expect_plane(planes.planes[0], grey, region, name + " Y");
    const Box chroma = coarser_box(region, form.rows, form.columns);
    expect_plane(planes.planes[1], stored[1], chroma, name + " Cb");
    expect_plane(planes.planes[2], stored[2], chroma, name + " Cr");
  }
}

TEST(JpegBaseline, PlanesAreThoseOfLibjpeg) {
  CounterRandom random(21);
  for (const auto& [height, width] :
       {std::pair{1, 1}, {7, 9}, {8, 8}, {16, 16}, {17, 33}, {100, 3}, {3, 100}, {333, 500}}) {
    const Image image = picture(height, width);
    for (const int rows : {1, 2}) {
      for (const int columns : {1, 2}) {
        for (const int quality : {1, 30, 75, 95, 100}) {
          JpegForm form{.quality = quality, .rows = rows, .columns = columns, .is_optimised = quality % 2 == 0};
          expect_planes(image, form, random);
        }
      }
    }
  }
}

TEST(JpegBaseline, ADecoderServesFilesOfEveryKindInTurn) {
  detail::JpegBaseline decoder;
  PlanarImage planes;
  for (const int side : {300, 20, 150}) {
    for (const int quality : {20, 98}) {
      const Image image = picture(side, side + 5);
      const JpegForm form{.quality = quality, .rows = side % 20 == 0 ? 2 : 1, .columns = 2, .is_optimised = side < 100};
      const Bytes bytes = test::encode_jpeg(image, form);
      const Box all{0, 0, image.height, image.width};
      ASSERT_TRUE(open_image(bytes)->read_planes(all, decoder, planes));
      expect_plane(planes.planes[0], test::grey_plane(bytes), all, std::to_string(side));
    }
  }
}

// ---- What is left to libjpeg

void expect_left_to_libjpeg(const Bytes& bytes, const std::string& name) {
  Image whole;
  decode_image(bytes, whole);
  detail::JpegBaseline decoder;
  PlanarImage planes;
  PixelBuffer pixels;
  const auto source = open_image(bytes);
  const Box all{0, 0, whole.height, whole.width};
  ASSERT_FALSE(source->read_planes(all, decoder, planes)) << name;
  source->read(all, pixels);
  for (int y = 0; y < whole.height; ++y) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(whole.width) * 3;
    ASSERT_TRUE(std::equal(pixels.at(y, 0), pixels.at(y, 0) + row, whole.rgb.data() + y * row)) << name << " row " << y;
  }
}

TEST(JpegBaseline, LeavesOtherKindsToLibjpeg) {
  const Image image = picture(45, 61);
  const auto expect_left = [&](const std::string& name, const JpegForm& form) {
    expect_left_to_libjpeg(test::encode_jpeg(image, form), name);
  };
  expect_left("progressive", {.is_progressive = true});
  expect_left("grey", {.colours = JCS_GRAYSCALE});
  expect_left("restart", {.restart_interval = 3});
  expect_left("CMYK", {.colours = JCS_CMYK});
  expect_left("YCCK", {.colours = JCS_YCCK});
  expect_left("RGB", {.colours = JCS_RGB});
  expect_left("arithmetic", {.is_arithmetic = true});
  expect_left("4:1:1", {.columns = 4});
  expect_left("4:1:0", {.rows = 2, .columns = 4});
  expect_left("four rows", {.rows = 4});
  expect_left("wide chroma", {.rows = 2, .columns = 2, .other_columns = 2});
  expect_left("tall chroma", {.rows = 2, .columns = 2, .other_rows = 2});
  expect_left("larger chroma", {.other_rows = 2, .other_columns = 2});
  for (const char* name : {"grey.jpg", "cmyk.jpg", "progressive.jpg", "restart.jpg"}) {
    expect_left_to_libjpeg(test::golden_image(name), name);
  }
}

TEST(JpegBaseline, OtherFormatsHaveNoPlanes) {
  EXPECT_FALSE(planes_of(test::golden_image("rgb.png"), {0, 0, 1, 1}));
  EXPECT_TRUE(planes_of(test::golden_image("420.jpg"), {0, 0, 1, 1}));
}

}  // namespace
}  // namespace dime
