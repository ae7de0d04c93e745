// SPDX-License-Identifier: Apache-2.0
// What the codecs share. libjpeg and libpng report errors by a function that must not return: it jumps back to
// `guarded`, over C frames and frames that hold no object with a destructor; whatever owns memory lives outside.
#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "io/image.hpp"
#include "io/pixel_source.hpp"

namespace dime::detail {

void decode_jpeg(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);
std::unique_ptr<PixelSource> open_jpeg(std::span<const std::uint8_t> bytes, const ImageLimits& limits);
void decode_png(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);
void decode_webp(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);
void decode_bmp(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);
void decode_gif(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);

/// image_info() of a format; the bytes begin as format_of() tells. Throw RowError.
ImageInfo webp_info(std::span<const std::uint8_t> bytes);
ImageInfo bmp_info(std::span<const std::uint8_t> bytes);
ImageInfo gif_info(std::span<const std::uint8_t> bytes);

enum class Format { jpeg, png, webp, bmp, gif };

/// The format that the first bytes tell. Throws RowError ("empty image", "not a … image").
Format format_of(std::span<const std::uint8_t> bytes);

/// Throws RowError ("`what` of W x H pixels: …") when the size is empty or past the limits.
void check_size(const char* what, std::int64_t height, std::int64_t width, const ImageLimits& limits);

/// Gives `out` this size, which check_size() has judged; its pixels stay unspecified.
void set_size(Image& out, std::int64_t height, std::int64_t width);

/// RGB by index; what a file's palette does not name is black.
using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

/// As Pillow reads a palette whose `count` colours are each their index, grey: the indexes past them are grey too.
void complete_grey(Palette& palette, std::size_t count);

/// Where the libraries' error functions jump to, and what they had to say.
struct Landing {
  std::jmp_buf jump;
  char message[256] = "";
};

/// Runs f; false when a library error jumped out of it. f's frame must hold nothing that needs destruction.
template <class F>
bool guarded(Landing& landing, F&& f) {
  if (setjmp(landing.jump) != 0) return false;
  f();
  return true;
}

}  // namespace dime::detail
