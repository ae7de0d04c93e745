// SPDX-License-Identifier: Apache-2.0
// Antialiased resizing of RGB images, crops, the flip and the step to a network's input. Torch-free; every function is
// safe from many threads. The arithmetic is that of torchvision's v2 transforms on uint8 CPU tensors, bit for bit.
#pragma once

#include <array>

#include "io/image.hpp"

namespace dime {

struct Size {
  int height = 0;
  int width = 0;
};

/// A region of an image, in pixels.
struct Box {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

enum class Filter {
  bilinear,  ///< a triangle, one pixel to each side
  bicubic,   ///< Keys' kernel with a = -1/2, two pixels to each side
};

/// Resizes `in` to `size`; the filter widens with the scale when the image shrinks (antialiasing). An axis that keeps
/// its length is copied. `in` and `out` must be different objects. Throws ArgumentError for an empty image or size.
DIME_API void resize(const Image& in, const Size& size, Filter filter, Image& out);

/// Resizes the region `box` of `in` to `size`, as if the region had been cut out first.
/// Throws ArgumentError when the box does not lie in the image.
DIME_API void resize(const Image& in, const Box& box, const Size& size, Filter filter, Image& out);

/// The size that makes the shorter side `side` and keeps the ratio; the longer side is rounded down.
/// Throws ArgumentError when a length is not positive.
DIME_API Size short_side_size(const Size& image, int side);

/// The region of `size` in the middle of `image`; halves of a pixel go to the even side.
/// Throws ArgumentError when the image is smaller.
DIME_API Box center_box(const Size& image, const Size& size);

/// Cuts out `box`. `in` and `out` must be different objects. Throws ArgumentError when the box does not lie in the
/// image.
DIME_API void crop(const Image& in, const Box& box, Image& out);

/// Mirrors left and right, in place.
DIME_API void flip_horizontal(Image& image);

/// Writes (x / 255 - mean) / std as float32 [3, height, width] to `out`, rounded as torchvision's ToDtype(scale=True)
/// and Normalize round: times float32(1/255), minus mean, divided by std. Throws ArgumentError when a std is zero.
DIME_API void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                               float* out);

}  // namespace dime
