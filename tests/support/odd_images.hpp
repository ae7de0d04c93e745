// SPDX-License-Identifier: Apache-2.0
// Images that no reader may take, and odd ones that it must.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "io/png_write.hpp"
#include "support/golden_images.hpp"
#include "support/jpeg_writer.hpp"

namespace dime::test {

/// An image file, and what is said of it; nothing where it decodes.
struct OddImage {
  std::string name;
  Bytes bytes;
  std::string problem{};
};

/// Writes `count` bytes of a number at `at`, the lowest first.
inline void put_little(Bytes& bytes, std::size_t at, std::uint32_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> 8 * i);
}

inline void add_bytes(Bytes& bytes, const Bytes& more) {
  for (const std::uint8_t byte : more) bytes.push_back(byte);
}

inline void add_big(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline void add_chunk(Bytes& png, const std::string& kind, const Bytes& data) {
  add_big(png, static_cast<std::uint32_t>(data.size()));
  const std::size_t start = png.size();
  png.insert(png.end(), kind.begin(), kind.end());
  add_bytes(png, data);
  add_big(png, static_cast<std::uint32_t>(crc32(0, png.data() + start, static_cast<uInt>(png.size() - start))));
}

/// The start and the header of a grey PNG of 8 bits.
inline Bytes png_start(std::uint32_t width, std::uint32_t height) {
  Bytes png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  Bytes header;
  add_big(header, width);
  add_big(header, height);
  add_bytes(header, {8, 0, 0, 0, 0});
  add_chunk(png, "IHDR", header);
  return png;
}

/// zlib's form of `count` times a byte.
inline Bytes deflated(std::size_t count, std::uint8_t byte = 0) {
  const Bytes raw(count, byte);
  uLongf size = compressBound(static_cast<uLong>(count));
  Bytes out(size);
  EXPECT_EQ(compress(out.data(), &size, raw.data(), static_cast<uLong>(count)), Z_OK);
  out.resize(size);
  return out;
}

/// A PNG of one chunk of pixels that inflates to `count` zeros, with chunks of `kind` before it.
inline Bytes png_of(std::uint32_t width, std::uint32_t height, std::size_t count, const std::string& kind = {},
                    const Bytes& chunk = {}, int chunks = 0) {
  Bytes png = png_start(width, height);
  for (int i = 0; i < chunks; ++i) add_chunk(png, kind, chunk);
  add_chunk(png, "IDAT", deflated(count));
  add_chunk(png, "IEND", {});
  return png;
}

inline Bytes first_bytes(const std::string& name, std::size_t size) {
  Bytes bytes = golden_image(name);
  bytes.resize(size);
  return bytes;
}

inline Bytes without_last(const std::string& name, std::size_t count) {
  return first_bytes(name, golden_image(name).size() - count);
}

/// A golden file with a number of it replaced.
inline Bytes golden_with(const std::string& name, std::size_t at, std::uint32_t value, std::size_t count) {
  Bytes bytes = golden_image(name);
  put_little(bytes, at, value, count);
  return bytes;
}

/// cmyk.jpg with a byte of its Adobe segment replaced: 3 is the length's second, 15 the transform.
inline Bytes cmyk_with(std::size_t at, std::uint8_t value) {
  Bytes bytes = golden_image("cmyk.jpg");
  const Bytes marker{0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e'};
  const auto adobe = std::search(bytes.begin(), bytes.end(), marker.begin(), marker.end());
  EXPECT_NE(adobe, bytes.end());
  bytes.at(static_cast<std::size_t>(adobe - bytes.begin()) + at) = value;
  return bytes;
}

/// A WebP whose sizes say that it is whole, but whose picture is not.
inline Bytes short_webp() {
  Bytes bytes = golden_image("lossy.webp");
  bytes.resize((bytes.size() / 2) & ~std::size_t{1});
  put_little(bytes, 4, static_cast<std::uint32_t>(bytes.size() - 8), 4);
  put_little(bytes, 16, static_cast<std::uint32_t>(bytes.size() - 20), 4);
  return bytes;
}

/// The half of a JPEG, closed by an end marker as some downloaders do.
inline Bytes closed_jpeg(const std::string& name) {
  Bytes bytes = first_bytes(name, golden_image(name).size() / 2 + 200);
  add_bytes(bytes, {0xFF, 0xD9});
  return bytes;
}

inline std::vector<OddImage> broken_images() {
  const std::string jpeg_ends = "truncated JPEG: Premature end of JPEG file", ends = ": the file ends too early";
  const std::string too_long = " pixels: a side is longer than 20000";
  const Bytes gif{'G', 'I', 'F', '8', '9', 'a', 2, 0, 2, 0, 0, 0, 0};
  Bytes no_frame = gif, empty_frame = gif;
  add_bytes(no_frame, {';'});
  add_bytes(empty_frame, {',', 0, 0, 0, 0, 0, 0, 2, 0, 0, 2});
  return {
      {"a JPEG cut in its header", first_bytes("420.jpg", 30), jpeg_ends},
      {"a JPEG cut in its scan", first_bytes("420.jpg", golden_image("420.jpg").size() / 2 + 200), jpeg_ends},
      {"a JPEG cut before its end marker", without_last("420.jpg", 2), jpeg_ends},
      {"a JPEG cut in its end marker", without_last("420.jpg", 1), jpeg_ends},
      {"a progressive JPEG cut in a scan", without_last("progressive.jpg", 300), jpeg_ends},
      {"a JPEG cut and closed", closed_jpeg("420.jpg"),
       "corrupt JPEG: Corrupt JPEG data: premature end of data segment"},
      {"a CMYK JPEG whose Adobe segment is too long", cmyk_with(2, 0x70), jpeg_ends},
      {"a PNG of 65535 x 65535", png_of(65535, 65535, 2), "PNG image of 65535 x 65535" + too_long},
      {"a PNG of more pixels than the limit", png_of(20000, 20000, 2),
       "PNG image of 20000 x 20000 pixels: more than 178956970 pixels"},
      {"a PNG whose pixels are too few", png_of(2000, 800, 2001 * 3), "corrupt PNG: Not enough image data"},
      {"a PNG without pixels", png_of(0, 7, 2), "corrupt PNG: Invalid IHDR data"},
      {"a PNG that was cut", without_last("rgb.png", 20), "truncated PNG" + ends},
      {"a GIF without a frame", no_frame, "corrupt GIF: it has no frame"},
      {"a GIF whose frame is empty", empty_frame, "corrupt GIF: its first frame has no pixels"},
      {"a GIF that was cut", without_last("adaptive.gif", 200), "truncated GIF" + ends},
      {"a BMP of the lowest height", golden_with("24_bits.bmp", 22, 0x80000000, 4),
       "BMP image of 13 x 2147483648" + too_long},
      {"a BMP of a huge height", golden_with("24_bits.bmp", 22, 20001, 4), "BMP image of 13 x 20001" + too_long},
      {"a BMP of more rows than it holds", golden_with("24_bits.bmp", 22, 20000, 4), "truncated BMP" + ends},
      {"a BMP of a negative width", golden_with("24_bits.bmp", 18, 0xFFFFFFF3, 4),
       "BMP image of -13 x 9 pixels: no pixels"},
      {"a WebP that was cut", without_last("lossy.webp", 40), "truncated WebP" + ends},
      {"a WebP whose picture was cut", short_webp(), "truncated WebP: its picture ends too early"},
      {"a WebP of a giant canvas", golden_with("lossy_alpha.webp", 24, 0xFFFFFF, 3),
       "WebP image of 16777216 x 23" + too_long},
      {"no image", {'h', 't', 'm', 'l'}, "not a JPEG, PNG, WebP, BMP or GIF image"},
  };
}

inline std::vector<OddImage> odd_images() {
  Bytes text{'a', 0, 0}, unicode{'a', 0, 1, 0, 0, 0};
  add_bytes(text, deflated(std::size_t{16} << 20, 'x'));
  add_bytes(unicode, deflated(std::size_t{16} << 20, 'x'));
  const JpegKind unsharp{.name = "unsharp", .scans = {{3, {0, 1, 2}, 0, 0, 0, 1}}};
  return {
      {"a JPEG of one pixel", golden_image("one.jpg")},
      {"a PNG of one pixel", png_of(1, 1, 2)},
      {"a WebP of one pixel", golden_image("one.webp")},
      {"a BMP of one pixel", golden_image("one.bmp")},
      {"a GIF of one pixel", golden_image("one.gif")},
      {"a PNG 20000 wide", png_of(20000, 1, 20001)},
      {"a PNG 20000 high", png_of(1, 20000, 40000)},
      {"a JPEG 20000 wide", encode_jpeg({.name = "wide"}, 5, 20000)},
      {"a JPEG 20000 high", encode_jpeg({.name = "high"}, 20000, 5)},
      {"a PNG whose pixels inflate to 64 MiB", png_of(1, 1, std::size_t{64} << 20)},
      {"a PNG of packed texts", png_of(1, 1, 2, "zTXt", text, 20)},
      {"a PNG of packed Unicode texts", png_of(1, 1, 2, "iTXt", unicode, 20)},
      {"a BMP of a negative height", golden_image("top_down.bmp")},
      {"a CMYK JPEG of an unknown transform", cmyk_with(15, 7)},
      {"a CMYK JPEG whose Adobe segment is not Adobe's", cmyk_with(4, 'X')},
      {"a JPEG of its first scan", encode_jpeg(unsharp, 40, 30)},
      {"a PNG of 16 bits, grey with alpha", golden_image("grey_alpha_16_bits.png")},
      {"a GIF whose frame is larger than its screen", golden_image("large_frame.gif")},
      {"an animated WebP", golden_image("animated.webp")},
  };
}

}  // namespace dime::test
