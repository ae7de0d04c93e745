// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/resample.hpp"

namespace dime {

/// Lines of bytes. Storage only grows; before and after each line there is room for kernels that read and write whole
/// vectors, and behind the last line for kernels that read and write kTogether lines at once.
class Lines {
 public:
  static constexpr std::size_t kRoom = 64;
  static constexpr std::size_t kTogether = 16;

  /// Makes room for `count` lines of `length` bytes; their values are unspecified.
  void shape(int count, int length) {
    count_ = count;
    length_ = length;
    stride_ = (static_cast<std::size_t>(length) + 2 * kRoom - 1) / kRoom * kRoom;
    const std::size_t whole = (static_cast<std::size_t>(count) + kTogether - 1) / kTogether * kTogether;
    const std::size_t needed = stride_ * whole + 3 * kRoom;
    if (bytes_.size() < needed) bytes_.resize(needed);
  }
  int count() const { return count_; }
  int length() const { return length_; }
  /// What the storage takes of memory.
  std::size_t bytes() const { return bytes_.capacity(); }
  /// The bytes from a line to the next.
  std::size_t stride() const { return stride_; }
  std::uint8_t* line(int i) { return bytes_.data() + kRoom + stride_ * static_cast<std::size_t>(i); }
  const std::uint8_t* line(int i) const { return bytes_.data() + kRoom + stride_ * static_cast<std::size_t>(i); }

 private:
  int count_ = 0;
  int length_ = 0;
  std::size_t stride_ = 0;
  std::vector<std::uint8_t> bytes_;
};

/// One channel of a region of an image, transposed: a line holds the pixels of a column, from top to bottom.
struct TransposedPlane {
  Box box;  ///< the region, in the coordinates of the whole channel
  Lines columns;

  void shape(const Box& region) {
    box = region;
    columns.shape(region.width, region.height);
  }
  std::uint8_t* at(int y, int x) { return columns.line(x - box.left) + (y - box.top); }
  const std::uint8_t* at(int y, int x) const { return columns.line(x - box.left) + (y - box.top); }
};

/// Y, Cb and Cr (ITU-R BT.601, full range, as JFIF has them). A chroma pixel stands for `rows` x `columns` luma pixels,
/// and lies in their middle.
struct PlanarImage {
  std::array<TransposedPlane, 3> planes;
  int rows = 1;
  int columns = 1;
};

}  // namespace dime
