// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/resample.hpp"

namespace dime {

/// One axis of a resampling: output edge e (0 .. outputs) lies at `offset + scale * e` of the input.
struct AxisMap {
  double scale = 1;
  double offset = 0;
  int low = 0;  ///< the input pixels that may be read: low <= x < high
  int high = 0;
  int outputs = 0;
};

}  // namespace dime

namespace dime::detail {

/// How the pixels of one output axis are made from those of the input axis, in fixed point.
struct AxisWeights {
  int taps = 0;                       ///< weights stored per output pixel; unused ones are zero
  int precision = 0;                  ///< a weight of 1 is 1 << precision
  std::vector<int> first;             ///< per output pixel: its first input pixel
  std::vector<int> count;             ///< per output pixel: how many input pixels it takes
  std::vector<std::int16_t> weights;  ///< [output, taps]
  /// The same as a vector kernel wants to read them; see ResampleKernels::pack.
  std::vector<std::int16_t> packed;
  std::vector<std::uint8_t> shuffles;
  int groups = 0;           ///< vectors of weights per step of the kernel
  bool has_halves = false;  ///< each weight is two signed bytes
  bool is_wide = false;     ///< packed for byte products
};

/// The input pixels [first, last) that the outputs from <= x < to of an axis depend on; an axis that keeps its length
/// is copied.
std::pair<int, int> axis_support(int input, int output, Filter filter, int from, int to);

/// The weights that resize an axis of `input` pixels to one of `output`.
AxisWeights axis_weights(int input, int output, Filter filter);

/// The weights of an axis that may begin and end between pixels.
AxisWeights axis_weights(const AxisMap& map, Filter filter);
/// The input pixels [first, last) that all its outputs depend on.
std::pair<int, int> axis_support(const AxisMap& map, Filter filter);

/// The weights of axes that were asked for, packed for this machine's kernels. For one thread.
class AxisCache {
 public:
  /// The reference holds until the next call but one.
  const AxisWeights& get(int input, int output, Filter filter);

 private:
  std::unordered_map<std::uint64_t, AxisWeights> axes_, older_;
  std::size_t bytes_ = 0;
};

}  // namespace dime::detail
