// SPDX-License-Identifier: Apache-2.0
#include "io/png_write.hpp"

#include <png.h>

#include <string>

namespace dime {

std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, const PixelShape& shape) {
  const auto size = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width) *
                    static_cast<std::size_t>(shape.channels);
  if ((shape.channels != 1 && shape.channels != 3) || pixels.size() != size) {
    throw ArgumentError("encode_png takes grey or RGB pixels, got " + std::to_string(pixels.size()) + " bytes for " +
                        std::to_string(shape.height) + "x" + std::to_string(shape.width) + "x" +
                        std::to_string(shape.channels));
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(shape.width);
  image.height = static_cast<png_uint_32>(shape.height);
  image.format = shape.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t bytes = 0;
  std::vector<std::uint8_t> out;
  bool written = png_image_write_to_memory(&image, nullptr, &bytes, 0, pixels.data(), 0, nullptr) != 0;
  if (written) {
    out.resize(bytes);
    written = png_image_write_to_memory(&image, out.data(), &bytes, 0, pixels.data(), 0, nullptr) != 0;
  }
  if (!written) throw ArgumentError(std::string("encode_png: ") + image.message);
  return out;
}

}  // namespace dime
