// SPDX-License-Identifier: Apache-2.0
// The orientation that a camera notes in an image. Torch-free; every function is safe from many threads.
#pragma once

#include "io/image.hpp"

namespace dime {

/// The EXIF orientation of an encoded image: 1 (as stored) to 8. It is read from a JPEG's APP1 segment, a PNG's eXIf
/// chunk and a WebP's EXIF chunk, from the first directory alone. 1 where there is none or it is damaged; never throws
/// for what the bytes hold.
DIME_API int exif_orientation(std::span<const std::uint8_t> bytes);

/// Turns an image that was stored with `orientation` upright, as Pillow's ImageOps.exif_transpose does: 2 to 4 keep the
/// size, 5 to 8 swap height and width. Throws ArgumentError when it is not 1 to 8.
DIME_API void apply_orientation(Image& image, int orientation);

}  // namespace dime
