// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/resample.hpp"

namespace dime {

/// The packed RGB pixels of a region of an image. Its storage only grows, and before and after each row there is room
/// for kernels that read and write whole vectors.
class PixelBuffer {
 public:
  static constexpr std::size_t kRoom = 64;  ///< bytes around a row's pixels that may be read and written

  /// Makes room for the pixels of `box`; their values are unspecified.
  void shape(const Box& box) {
    box_ = box;
    stride_ = (static_cast<std::size_t>(box.width) * 3 + 2 * kRoom - 1) / kRoom * kRoom;
    const std::size_t needed = stride_ * static_cast<std::size_t>(box.height) + 3 * kRoom;
    if (bytes_.size() < needed) bytes_.resize(needed);
  }
  /// Gives the same pixels other coordinates.
  void move(int down, int right) { box_ = {box_.top + down, box_.left + right, box_.height, box_.width}; }
  /// The region, in the coordinates of the image that it is part of.
  const Box& box() const { return box_; }
  std::size_t stride() const { return stride_; }
  /// What its storage takes of memory.
  std::size_t bytes() const { return bytes_.capacity(); }
  /// Where row y of the image begins, at column box().left; box().top <= y < box().top + box().height.
  std::uint8_t* row(int y) { return bytes_.data() + kRoom + stride_ * static_cast<std::size_t>(y - box_.top); }
  const std::uint8_t* row(int y) const {
    return bytes_.data() + kRoom + stride_ * static_cast<std::size_t>(y - box_.top);
  }
  /// The pixel (y, x) of the image.
  const std::uint8_t* at(int y, int x) const { return row(y) + static_cast<std::size_t>(x - box_.left) * 3; }
  std::uint8_t* at(int y, int x) { return row(y) + static_cast<std::size_t>(x - box_.left) * 3; }

 private:
  Box box_;
  std::size_t stride_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace dime
