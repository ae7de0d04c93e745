// SPDX-License-Identifier: Apache-2.0
// Any bytes decode to an image of the size that their header says, or are a RowError; an image survives being turned
// upright and resized, and parts of it, of its own size and decoded smaller, are those of the whole. Where a JPEG's
// planes are had from the own decoder and libjpeg takes the file, they are what its coefficients give.
#include <algorithm>
#include <cstdlib>

#include "io/exif.hpp"
#include "io/jpeg_baseline.hpp"
#include "io/pixel_source.hpp"
#include "io/resample.hpp"
#include "support/jpeg_reference.hpp"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

constexpr dime::ImageLimits limits{4096, 1 << 20};

// From the last bytes before the end marker.
dime::Box region_of(std::span<const std::uint8_t> bytes, const dime::Size& size) {
  const auto below = [&](std::size_t i, int n) { return bytes[bytes.size() - 3 - i] * n / 256; };
  const int top = below(0, size.height), left = below(1, size.width);
  return {top, left, 1 + below(2, size.height - top), 1 + below(3, size.width - left)};
}

void expect_planes(std::span<const std::uint8_t> bytes, const dime::PlanarImage& image) {
  dime::test::JpegReference reference(bytes);
  if (!reference.is_good()) return;
  for (std::size_t c = 0; c < image.planes.size(); ++c) {
    const dime::Box& box = image.planes[c].box;
    for (int y = box.top; y < box.top + box.height; y += 8) {
      for (int x = box.left; x < box.left + box.width; x += 8) {
        const auto block = reference.block(c, y / 8, x / 8);
        for (std::size_t i = 0; i < 64; ++i) {
          expect(block.agrees(i, *image.planes[c].at(y + static_cast<int>(i / 8), x + static_cast<int>(i % 8))));
        }
      }
    }
  }
}

// Whether the planes of a region were had.
bool read_planes(std::span<const std::uint8_t> bytes, dime::PlanarImage& planes) {
  if (bytes.size() < 8) return false;
  const auto source = dime::open_image(bytes, limits);
  dime::detail::JpegBaseline decoder;
  const dime::Box region = region_of(bytes, source->size());
  if (source->read_planes(region, decoder, planes)) return true;
  dime::PixelBuffer pixels;
  source->read(region, pixels);
  return false;
}

bool same(const dime::PixelBuffer& part, const dime::Box& box, const dime::PixelBuffer& whole) {
  for (int y = box.top; y < box.top + box.height; ++y) {
    const std::uint8_t* row = part.at(y, box.left);
    if (!std::equal(row, row + box.width * 3, whole.at(y, box.left))) return false;
  }
  return true;
}

/// A part that the bytes choose. Damage outside it need not be found, so a part may decode where the whole does not.
void compare_part(std::span<const std::uint8_t> bytes, int wanted) {
  const auto number = [&](std::size_t i) { return static_cast<int>(bytes[bytes.size() - 1 - i % bytes.size()]); };
  dime::PixelBuffer whole, part;
  const auto source = dime::open_image(bytes, limits);
  const int factor = source->factor(wanted);
  const int height = (source->size().height + factor - 1) / factor,
            width = (source->size().width + factor - 1) / factor;
  source->read_scaled({0, 0, height, width}, factor, whole);
  const int top = number(3) * height / 256, left = number(4) * width / 256;
  const dime::Box box{top, left, 1 + number(5) * (height - top - 1) / 256, 1 + number(6) * (width - left - 1) / 256};
  dime::open_image(bytes, limits)->read_scaled(box, factor, part);
  expect(same(part, box, whole));
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
  dime::PlanarImage planes;
  bool has_planes = false;
  try {
    has_planes = read_planes(bytes, planes);
  } catch (const dime::RowError&) {
  }
  dime::Image image;
  dime::Image resized;
  try {
    dime::decode_image(bytes, image, limits);
    if (has_planes) expect_planes(bytes, planes);
    expect(has_header && info.height == image.height && info.width == image.width);
    expect(image.rgb.size() == static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3);
    dime::apply_orientation(image, orientation);
    dime::resize(image, {0, 0, image.height, image.width}, {32, 48}, dime::Filter::bicubic, resized);
    for (const int wanted : {1, 2, 8}) compare_part(bytes, wanted);
  } catch (const dime::RowError&) {
  }
  return 0;
}
