// SPDX-License-Identifier: Apache-2.0
#include "io/image_detail.hpp"
#include "io/jpeg_segments.hpp"

namespace dime {
namespace detail {

Format format_of(std::span<const std::uint8_t> encoded) {
  const ByteReader bytes(encoded, "image");
  if (bytes.holds(0, "\xFF\xD8\xFF")) return Format::jpeg;
  if (bytes.holds(0, "\x89PNG\r\n\x1A\n")) return Format::png;
  if (bytes.holds(0, "RIFF") && bytes.holds(8, "WEBP")) return Format::webp;
  if (bytes.holds(0, "BM")) return Format::bmp;
  if (bytes.holds(0, "GIF87a") || bytes.holds(0, "GIF89a")) return Format::gif;
  throw RowError(encoded.empty() ? "empty image" : "not a JPEG, PNG, WebP, BMP or GIF image");
}

namespace {

bool is_frame_header(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

ImageInfo jpeg_info(std::span<const std::uint8_t> bytes) {
  JpegSegments segments(bytes);
  while (segments.next()) {
    if (!is_frame_header(segments.marker())) continue;
    const ByteReader frame(segments.body(), "JPEG");
    return {"JPEG", frame.big(1, 2), frame.big(3, 2)};
  }
  throw RowError("corrupt JPEG: a scan before any frame header");
}

ImageInfo png_info(std::span<const std::uint8_t> encoded) {
  const ByteReader bytes(encoded, "PNG");
  bytes.part(8, 16);
  if (!bytes.holds(12, "IHDR")) bytes.refuse("it does not begin with IHDR");
  return {"PNG", bytes.big(20, 4), bytes.big(16, 4)};
}

}  // namespace
}  // namespace detail

ImageInfo image_info(std::span<const std::uint8_t> bytes) {
  switch (detail::format_of(bytes)) {
    case detail::Format::jpeg:
      return detail::jpeg_info(bytes);
    case detail::Format::png:
      return detail::png_info(bytes);
    case detail::Format::webp:
      return detail::webp_info(bytes);
    case detail::Format::bmp:
      return detail::bmp_info(bytes);
    case detail::Format::gif:
      return detail::gif_info(bytes);
  }
  return {};
}

}  // namespace dime
