// SPDX-License-Identifier: Apache-2.0
// What the codecs share. libjpeg and libpng report errors by a function that must not return: it jumps back to
// `guarded`, over C frames and frames that hold no object with a destructor; whatever owns memory lives outside.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <memory>
#include <string>

#include "io/image.hpp"
#include "io/pixel_source.hpp"

namespace dime::detail {

void decode_jpeg(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);
std::unique_ptr<PixelSource> open_jpeg(std::span<const std::uint8_t> bytes, const ImageLimits& limits);
bool is_jpeg(std::span<const std::uint8_t> bytes);
void decode_png(std::span<const std::uint8_t> bytes, Image& out, const ImageLimits& limits);

/// Throws RowError ("`what` of W x H pixels: …") when the size is empty or past the limits.
void check_size(const char* what, std::int64_t height, std::int64_t width, const ImageLimits& limits);

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
