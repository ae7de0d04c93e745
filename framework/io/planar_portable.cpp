// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "io/planar_kernels.hpp"
#include "io/planar_lanes.hpp"

namespace dime::detail {
namespace {

struct Portable {
  using Lanes [[gnu::vector_size(16)]] = float;

  static Lanes load(const std::uint8_t* from) {
    Lanes lanes;
    for (int i = 0; i < 4; ++i) lanes[i] = from[i];
    return lanes;
  }
  static void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }
};

using Bytes [[gnu::vector_size(16)]] = std::uint8_t;
using Tile = std::array<Bytes, Lines::kTogether>;

void colour(const YccRow& row, int width, const ChannelLines& lines, const std::array<float*, 3>& out) {
  planar::colour<Portable>(row, width, lines, out);
}

// Four rounds, each of which interleaves line i with line i + 8.
void transpose(Tile& tile) {
  constexpr std::size_t rounds = 4, half = Lines::kTogether / 2;
  for (std::size_t round = 0; round < rounds; ++round) {
    Tile next;
    for (std::size_t i = 0; i < half; ++i) {
      const Bytes a = tile[i], b = tile[i + half];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    tile = next;
  }
}

}  // namespace

ChannelLines channel_lines(const ChannelScales& scales) {
  ChannelLines lines;
  for (std::size_t c = 0; c < lines.size(); ++c) {
    lines[c] = {1.0F / (255.0F * scales[c].std), -scales[c].mean / scales[c].std};
  }
  return lines;
}

void transpose(const Lines& in, Lines& out) {
  out.shape(in.length(), in.count());
  constexpr int step = static_cast<int>(Lines::kTogether);
  for (int i = 0; i < in.count(); i += step) {
    for (int j = 0; j < in.length(); j += step) {
      Tile tile;
      for (int k = 0; k < step; ++k) std::memcpy(&tile[static_cast<std::size_t>(k)], in.line(i + k) + j, sizeof(Bytes));
      transpose(tile);
      for (int k = 0; k < step; ++k)
        std::memcpy(out.line(j + k) + i, &tile[static_cast<std::size_t>(k)], sizeof(Bytes));
    }
  }
}

const PlanarKernels& portable_planar_kernels() {
  static constexpr PlanarKernels kernels{colour, [] {}};
  return kernels;
}

}  // namespace dime::detail
