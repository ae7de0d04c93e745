// SPDX-License-Identifier: Apache-2.0
// Antialiased resizing of RGB images, crops, the flip and the step to a network's input. Torch-free; every function is
// safe from many threads. The arithmetic is that of torchvision's v2 transforms on uint8 CPU tensors, bit for bit.
#pragma once

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

/// Throws ArgumentError when `box` is empty or does not lie in an image of `size`.
DIME_API void expect_inside(const Box& box, const Size& size);

/// The part of an image of size `from` that `part` of the same image, resized to `to`, depends on. The filter widens
/// with the scale where an axis shrinks (antialiasing); an axis that keeps its length is copied.
DIME_API Box resize_support(const Size& from, const Size& to, Filter filter, const Box& part);

/// Resizes the region `box` of `in` to `size`, as if the region had been cut out first. `in` and `out` must be
/// different objects. Throws ArgumentError when the box does not lie in the image, and for an empty size.
DIME_API void resize(const Image& in, const Box& box, const Size& size, Filter filter, Image& out);

/// The size that makes the shorter side `side` and keeps the ratio; the longer side is rounded down.
/// Throws ArgumentError when a length is not positive.
DIME_API Size short_side_size(const Size& image, int side);

/// The region of `size` in the middle of `image`; halves of a pixel go to the even side.
/// Throws ArgumentError when the image is smaller.
DIME_API Box center_box(const Size& image, const Size& size);

/// Mirrors left and right, in place.
DIME_API void flip_horizontal(Image& image);

}  // namespace dime
