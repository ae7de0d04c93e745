// SPDX-License-Identifier: Apache-2.0
#include "io/image.hpp"

#include <algorithm>
#include <string>

#include "io/image_detail.hpp"

namespace dime {
namespace detail {

void check_size(const char* what, std::int64_t height, std::int64_t width, const ImageLimits& limits) {
  const std::string size =
      std::string(what) + " of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (height <= 0 || width <= 0) throw RowError(size + ": no pixels");
  if (std::max(height, width) > limits.side) {
    throw RowError(size + ": a side is longer than " + std::to_string(limits.side));
  }
  if (height * width > limits.pixels) throw RowError(size + ": more than " + std::to_string(limits.pixels) + " pixels");
}

void set_size(Image& out, std::int64_t height, std::int64_t width) {
  out.height = static_cast<int>(height);
  out.width = static_cast<int>(width);
  out.rgb.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
}

void complete_grey(Palette& palette, std::size_t count) {
  const auto grey = [](std::size_t i) {
    const auto level = static_cast<std::uint8_t>(i);
    return Palette::value_type{level, level, level};
  };
  for (std::size_t i = 0; i < std::min(count, palette.size()); ++i) {
    if (palette[i] != grey(i)) return;
  }
  for (std::size_t i = count; i < palette.size(); ++i) palette[i] = grey(i);
}

}  // namespace detail

void decode_image(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits) {
  switch (detail::format_of(bytes)) {
    case detail::Format::jpeg:
      return detail::decode_jpeg(bytes, out, limits);
    case detail::Format::png:
      return detail::decode_png(bytes, out, limits);
    case detail::Format::webp:
      return detail::decode_webp(bytes, out, limits);
    case detail::Format::bmp:
      return detail::decode_bmp(bytes, out, limits);
    case detail::Format::gif:
      return detail::decode_gif(bytes, out, limits);
  }
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
