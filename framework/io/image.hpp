// SPDX-License-Identifier: Apache-2.0
// Encoded images to RGB pixels. Torch-free; every function is safe from many threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <dime/dataset.hpp>
#include <dime/error.hpp>

namespace dime {

/// An RGB image: uint8, row by row, channels last; rgb.size() == height * width * 3.
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> rgb;
};

/// The largest image that is decoded; a larger one is a RowError before its pixels are allocated.
struct ImageLimits {
  std::int64_t side = 20000;
  std::int64_t pixels = 178956970;  ///< Pillow's limit for "decompression bombs"
};

/// Decodes a JPEG (baseline, progressive; grey, RGB, YCbCr, CMYK, YCCK) or a PNG (every colour type and depth), told
/// apart by content. The pixels are those of torchvision's decode_jpeg / decode_png in RGB mode: ISLOW transform, fancy
/// upsampling; alpha is dropped, 16-bit samples keep their high byte, an EXIF orientation is not applied. `out` keeps
/// its storage where it is large enough; its contents are unspecified after an error. Throws RowError with a short
/// reason
/// ("not a JPEG or PNG image", "truncated JPEG: …", "corrupt PNG: …") for anything that does not decode whole.
DIME_API void decode_image(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits = {});

/// Raw pixels as RGB: `bytes` holds shape.height x shape.width x shape.channels uint8, channels last; grey is repeated.
/// Throws RowError when the sizes disagree, a side is not positive or past `limits`, or there are not 1 or 3 channels.
DIME_API void rgb_from_pixels(std::span<const std::uint8_t> bytes, const PixelShape& shape, Image& out,
                              const ImageLimits& limits = {});

}  // namespace dime
