// SPDX-License-Identifier: Apache-2.0
#include "io/image.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "io/image_detail.hpp"

namespace dime {
namespace {

constexpr std::array<std::uint8_t, 3> jpeg_magic{0xFF, 0xD8, 0xFF};
constexpr std::array<std::uint8_t, 8> png_magic{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <std::size_t N>
bool starts_with(std::span<const std::uint8_t> bytes, const std::array<std::uint8_t, N>& magic) {
  return bytes.size() >= N && std::equal(magic.begin(), magic.end(), bytes.begin());
}

}  // namespace

void detail::check_size(const char* what, std::int64_t height, std::int64_t width, const ImageLimits& limits) {
  const std::string size =
      std::string(what) + " of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (height <= 0 || width <= 0) throw RowError(size + ": no pixels");
  if (std::max(height, width) > limits.side) {
    throw RowError(size + ": a side is longer than " + std::to_string(limits.side));
  }
  if (height * width > limits.pixels) throw RowError(size + ": more than " + std::to_string(limits.pixels) + " pixels");
}

bool detail::is_jpeg(std::span<const std::uint8_t> bytes) { return starts_with(bytes, jpeg_magic); }

void decode_image(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  if (detail::is_jpeg(bytes)) return detail::decode_jpeg(bytes, out, limits);
  if (starts_with(bytes, png_magic)) return detail::decode_png(bytes, out, limits);
  throw RowError(bytes.empty() ? "empty image" : "not a JPEG or PNG image");
}

void rgb_from_pixels(std::span<const std::uint8_t> bytes, const PixelShape& shape, Image& out,
                     const ImageLimits& limits) {
  detail::check_size("raw image", shape.height, shape.width, limits);
  if (shape.channels != 1 && shape.channels != 3) {
    throw RowError("raw image with " + std::to_string(shape.channels) + " channels: only 1 and 3 are known");
  }
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const std::size_t expected = pixels * static_cast<std::size_t>(shape.channels);
  if (bytes.size() != expected) {
    throw RowError("raw image of " + std::to_string(shape.width) + " x " + std::to_string(shape.height) + " x " +
                   std::to_string(shape.channels) + " has " + std::to_string(bytes.size()) + " bytes, not " +
                   std::to_string(expected));
  }
  out.height = shape.height;
  out.width = shape.width;
  if (shape.channels == 3) {
    out.rgb.assign(bytes.begin(), bytes.end());
    return;
  }
  out.rgb.resize(pixels * 3);
  for (std::size_t i = 0; i < pixels; ++i) std::fill_n(out.rgb.data() + 3 * i, 3, bytes[i]);
}

}  // namespace dime
