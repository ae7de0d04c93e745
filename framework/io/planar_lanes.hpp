// SPDX-License-Identifier: Apache-2.0
// The colour loop for as many pixels as a vector holds, to be compiled for several kinds of processor: `Target` keeps
// their functions apart.
#pragma once

#include <cstring>

#include "io/planar_kernels.hpp"

namespace dime::detail::planar {

template <class Lanes>
[[gnu::always_inline]] inline Lanes line_of(Lanes value, const ChannelLine& line) {
  const Lanes low{}, high = low + 255.0F;
  value = value < low ? low : value;
  value = value > high ? high : value;
  return value * line.factor + line.offset;
}

/// Reads whole vectors, up to Lines::kRoom behind the row; writes no more than `width`. Target::Lanes is a vector of
/// floats, Target::load gives as many bytes as numbers, Target::store puts them to their place.
template <class Target>
[[gnu::always_inline]] inline void colour(const YccRow& row, int width, const ChannelLines& to,
                                          const std::array<float*, 3>& out) {
  using Lanes = typename Target::Lanes;
  constexpr int step = sizeof(Lanes) / sizeof(float);
  constexpr float red = 1.402F, green_of_blue = 0.344136286F, green_of_red = 0.714136286F, blue = 1.772F, middle = 128;
  const YccRow from = row;
  const ChannelLines lines = to;
  const auto write = [&](float* at, Lanes value, int rest) {
    if (rest >= step) {
      Target::store(at, value);
    } else {
      std::memcpy(at, &value, static_cast<std::size_t>(rest) * sizeof(float));
    }
  };
  for (int x = 0; x < width; x += step) {
    const Lanes y = Target::load(from[0] + x), cb = Target::load(from[1] + x) - middle,
                cr = Target::load(from[2] + x) - middle;
    write(out[0] + x, line_of<Lanes>(y + cr * red, lines[0]), width - x);
    write(out[1] + x, line_of<Lanes>(y - cb * green_of_blue - cr * green_of_red, lines[1]), width - x);
    write(out[2] + x, line_of<Lanes>(y + cb * blue, lines[2]), width - x);
  }
}

}  // namespace dime::detail::planar
