// SPDX-License-Identifier: Apache-2.0
// Baseline JPEG (ITU-T T.81) to planes: what most photographs are, in the time that their bits take.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "io/jpeg_huffman.hpp"
#include "io/jpeg_idct.hpp"
#include "io/planar_image.hpp"

namespace dime::detail {

/// The one scan of a YCbCr image of 8 bits: its three components interleaved, without restart markers. The headers were
/// read, and are right.
struct JpegScan {
  struct Component {
    const std::uint16_t* quantisation = nullptr;  ///< 64 steps, row by row
    HuffmanSpec dc;
    HuffmanSpec ac;
  };
  std::array<Component, 3> components;
  int height = 0;
  int width = 0;
  int rows = 1;                        ///< luma blocks for a chroma block, down: 1 or 2
  int columns = 1;                     ///< and across
  std::span<const std::uint8_t> data;  ///< from behind the scan's header to the end of the file
};

/// Decodes scans, and keeps what it needs between them. For one thread.
class JpegBaseline {
 public:
  /// Fills `out` with at least the pixels of `region`, which lies in the image. False where the scan is damaged or
  /// holds what is not baseline: a full decoder then says what it is.
  bool read(const JpegScan& scan, const Box& region, PlanarImage& out);

 private:
  struct Component {
    HuffmanCode dc;
    HuffmanCode ac;
    JpegScales scales{};
    int predicted = 0;
    TransposedPlane* plane = nullptr;
  };

  bool prepare(const JpegScan& scan);
  void unstuff(std::span<const std::uint8_t> data);

  std::array<Component, 3> components_;
  std::vector<std::uint8_t> bits_;  // of the scan, without stuffing, and zeros behind them
  std::size_t bytes_ = 0;           // without the zeros
};

}  // namespace dime::detail
