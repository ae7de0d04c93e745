// SPDX-License-Identifier: Apache-2.0
#include "io/exif.hpp"

#include <utility>

#include "io/image_detail.hpp"
#include "io/jpeg_segments.hpp"

namespace dime {
namespace {

using detail::ByteReader;
using Bytes = std::span<const std::uint8_t>;

constexpr std::string_view exif_prefix{"Exif\0\0", 6};

Bytes exif_of_jpeg(Bytes bytes) {
  detail::JpegSegments segments(bytes);
  while (segments.next()) {
    if (segments.marker() == 0xE1 && ByteReader(segments.body(), "EXIF").holds(0, exif_prefix)) return segments.body();
  }
  return {};
}

Bytes exif_of_png(Bytes encoded) {
  const ByteReader bytes(encoded, "PNG");
  for (std::size_t at = 8; !bytes.holds(at + 4, "IEND");) {
    const std::size_t length = bytes.big(at, 4);
    if (bytes.holds(at + 4, "eXIf")) return bytes.part(at + 8, length);
    at += length + 12;
  }
  return {};
}

Bytes exif_of_webp(Bytes encoded) {
  const ByteReader bytes(encoded, "WebP");
  for (std::size_t at = 12; at < bytes.size();) {
    const std::size_t length = bytes.little(at + 4, 4);
    if (bytes.holds(at, "EXIF")) return bytes.part(at + 8, length);
    at += 8 + length + length % 2;
  }
  return {};
}

Bytes exif_of(Bytes bytes) {
  switch (detail::format_of(bytes)) {
    case detail::Format::jpeg:
      return exif_of_jpeg(bytes);
    case detail::Format::png:
      return exif_of_png(bytes);
    case detail::Format::webp:
      return exif_of_webp(bytes);
    default:
      return {};
  }
}

/// The value of the orientation's entry in the first directory of a TIFF; 1 where it has none.
std::uint32_t orientation_of(const ByteReader& tiff) {
  const bool big = tiff.holds(0, "MM");
  const auto number = [&](std::size_t at, std::size_t count) {
    return big ? tiff.big(at, count) : tiff.little(at, count);
  };
  if ((!big && !tiff.holds(0, "II")) || number(2, 2) != 42) return 1;
  constexpr std::uint32_t orientation = 0x112, byte = 1, word = 3, long_word = 4;
  const std::size_t directory = number(4, 4);
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + 12 * i;
    if (number(at, 2) != orientation) continue;
    if (number(at + 4, 4) != 1) return 1;
    switch (number(at + 2, 2)) {
      case byte:
        return number(at + 8, 1);
      case word:
        return number(at + 8, 2);
      case long_word:
        return number(at + 8, 4);
      default:
        return 1;
    }
  }
  return 1;
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> bytes) {
  try {
    Bytes exif = exif_of(bytes);
    // Some writers put it there twice, others where no prefix belongs.
    for (int i = 0; i < 2 && ByteReader(exif, "EXIF").holds(0, exif_prefix); ++i) exif = exif.subspan(6);
    const std::uint32_t value = orientation_of(ByteReader(exif, "EXIF"));
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  } catch (const RowError&) {
    return 1;
  }
}

void apply_orientation(Image& image, int orientation) {
  if (orientation < 1 || orientation > 8) {
    throw ArgumentError("an EXIF orientation is 1 to 8, not " + std::to_string(orientation));
  }
  if (orientation == 1) return;
  const bool swapped = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image upright;
  detail::set_size(upright, swapped ? image.width : image.height, swapped ? image.height : image.width);
  std::uint8_t* to = upright.rgb.data();
  for (int y = 0; y < upright.height; ++y) {
    for (int x = 0; x < upright.width; ++x) {
      const int column = swapped ? y : x, row = swapped ? x : y;
      const int from_x = from_right ? image.width - 1 - column : column;
      const int from_y = from_bottom ? image.height - 1 - row : row;
      const std::size_t from =
          static_cast<std::size_t>(from_y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(from_x);
      to = std::copy_n(image.rgb.data() + 3 * from, 3, to);
    }
  }
  std::swap(image, upright);
}

}  // namespace dime
