// SPDX-License-Identifier: Apache-2.0
// Any bytes decode to an image of the size that their header says, or are a RowError; an image survives being turned
// upright and resized.
#include <cstdlib>

#include "io/exif.hpp"
#include "io/resample.hpp"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const int orientation = dime::exif_orientation(bytes);
  expect(orientation >= 1 && orientation <= 8);
  dime::ImageInfo info;
  bool has_header = false;
  try {
    info = dime::image_info(bytes);
    has_header = true;
  } catch (const dime::RowError&) {
  }
  dime::Image image;
  dime::Image resized;
  try {
    dime::decode_image(bytes, image, {4096, 1 << 20});
    expect(has_header && info.height == image.height && info.width == image.width);
    expect(image.rgb.size() == static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3);
    dime::apply_orientation(image, orientation);
    dime::resize(image, {0, 0, image.height, image.width}, {32, 48}, dime::Filter::bicubic, resized);
  } catch (const dime::RowError&) {
  }
  return 0;
}
