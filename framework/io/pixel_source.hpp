// SPDX-License-Identifier: Apache-2.0
// An image of which parts can be had. Torch-free.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "io/image.hpp"
#include "io/pixel_buffer.hpp"

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
};

/// Opens an encoded image; nothing but its header is decoded until pixels are asked for, where the format allows it
/// (JPEG). A JPEG that does not end with its end marker is decoded whole, so that one that was cut is found out
/// wherever it was cut; damage outside the region otherwise goes unnoticed. Throws RowError as decode_image does.
DIME_API std::unique_ptr<PixelSource> open_image(std::span<const std::uint8_t> bytes, const ImageLimits& limits = {});

/// The pixels of `image`, which must outlive the result.
DIME_API std::unique_ptr<PixelSource> pixels_of(const Image& image);

}  // namespace dime
