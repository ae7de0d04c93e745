// SPDX-License-Identifier: Apache-2.0
// An image of which parts can be had. Torch-free.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "io/image.hpp"
#include "io/pixel_buffer.hpp"
#include "io/planar_image.hpp"

namespace dime::detail {
class JpegBaseline;
}  // namespace dime::detail

namespace dime {

/// Pixels by region. For one thread; what it was made from must outlive it.
class PixelSource {
 public:
  virtual ~PixelSource() = default;
  virtual Size size() const = 0;
  /// Fills `out` with at least the pixels of `region`, which lies in the image: those that decoding the whole image
  /// would give. May be asked once. Throws RowError when they do not decode.
  virtual void read(const Box& region, PixelBuffer& out) = 0;
  /// By how much an image that is to shrink `shrink` times can be decoded smaller at once: 1 where it cannot.
  virtual int factor(double shrink) const {
    static_cast<void>(shrink);
    return 1;
  }
  /// As `read`, of the image at 1 / `factor` of its size (each side rounded up), where `factor` came from `factor`.
  virtual void read_scaled(const Box& region, int factor, PixelBuffer& out) {
    static_cast<void>(factor);
    read(region, out);
  }
  /// Fills `out` with at least the pixels of `region`, where the image is stored in planes that can be had fast. Where
  /// it gives false, `read` and `read_scaled` may still be asked. `decoder` is kept from image to image.
  virtual bool read_planes(const Box& region, detail::JpegBaseline& decoder, PlanarImage& out) {
    static_cast<void>(region), static_cast<void>(decoder), static_cast<void>(out);
    return false;
  }
};

/// Opens an encoded image; nothing but its header is decoded until pixels are asked for, where the format allows it
/// (JPEG). A JPEG that does not end with its end marker is decoded whole, so that one that was cut is found out
/// wherever it was cut; damage outside the region otherwise goes unnoticed. Throws RowError as decode_image does.
DIME_API std::unique_ptr<PixelSource> open_image(std::span<const std::uint8_t> bytes, const ImageLimits& limits = {});

/// The pixels of `image`, which must outlive the result.
DIME_API std::unique_ptr<PixelSource> pixels_of(const Image& image);

}  // namespace dime
