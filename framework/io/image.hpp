// SPDX-License-Identifier: Apache-2.0
// Encoded images to RGB pixels. Torch-free; every function is safe from many threads.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
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

/// Decodes a JPEG (baseline, progressive; grey, RGB, YCbCr, CMYK, YCCK), a PNG (every colour type and depth), a WebP
/// (lossy, lossless; of an animation the first frame), a BMP (1 to 32 bits, RLE, colour masks, OS/2) or a GIF (its
/// first frame), told apart by content. The pixels of a JPEG and a PNG are those of torchvision's decode_jpeg /
/// decode_png in RGB mode: ISLOW transform, fancy upsampling; those of the others are Pillow's,
/// Image.open(…).convert("RGB"). Alpha is dropped, 16-bit samples keep their high byte, an EXIF orientation is not
/// applied (see io/exif.hpp). `out` keeps its storage where it is large enough; its contents are unspecified after an
/// error. Throws RowError with a short reason
/// ("not a JPEG, PNG, WebP, BMP or GIF image", "truncated JPEG: …", "corrupt PNG: …") for anything that does not decode
/// whole.
DIME_API void decode_image(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits = {});

/// What an image's header says of it.
struct ImageInfo {
  std::string_view format;  ///< "JPEG", "PNG", "WebP", "BMP" or "GIF"
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Reads the header alone: no pixel is decoded, and no memory is taken for any. The size is the one that decode_image()
/// gives, before any orientation; it may be empty or past ImageLimits. Throws RowError, as decode_image() does, where
/// the bytes are no image or the header is damaged.
DIME_API ImageInfo image_info(std::span<const std::uint8_t> bytes);

/// Raw pixels as RGB: `bytes` holds shape.height x shape.width x shape.channels uint8, channels last; grey is repeated.
/// Throws RowError when the sizes disagree, a side is not positive or past `limits`, or there are not 1 or 3 channels.
DIME_API void rgb_from_pixels(std::span<const std::uint8_t> bytes, const PixelShape& shape, Image& out,
                              const ImageLimits& limits = {});

}  // namespace dime
