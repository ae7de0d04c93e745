// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "io/resample.hpp"

namespace dime::detail {

/// How the pixels of one output axis are made from those of the input axis, in fixed point.
struct AxisWeights {
  int taps = 0;                       ///< weights stored per output pixel; unused ones are zero
  int precision = 0;                  ///< a weight of 1 is 1 << precision
  std::vector<int> first;             ///< per output pixel: its first input pixel
  std::vector<int> count;             ///< per output pixel: how many input pixels it takes
  std::vector<std::int16_t> weights;  ///< [output, taps]
};

/// The weights that resize an axis of `input` pixels to one of `output`.
AxisWeights axis_weights(int input, int output, Filter filter);

}  // namespace dime::detail
