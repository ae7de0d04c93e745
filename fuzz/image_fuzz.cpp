// SPDX-License-Identifier: Apache-2.0
// Any bytes decode to an image of the size that it says, or are a RowError; an image survives resizing.
#include <cstdlib>

#include "io/resample.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dime::Image image;
  dime::Image resized;
  try {
    dime::decode_image({data, size}, image, {4096, 1 << 20});
    if (image.rgb.size() != static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3)
      std::abort();
    dime::resize(image, {0, 0, image.height, image.width}, {32, 48}, dime::Filter::bicubic, resized);
  } catch (const dime::RowError&) {
  }
  return 0;
}
