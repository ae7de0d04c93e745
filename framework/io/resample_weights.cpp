// SPDX-License-Identifier: Apache-2.0
#include "io/resample_weights.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "io/resample_kernels.hpp"

namespace dime::detail {
namespace {

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double keys(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double evaluate(Filter filter, double x) { return filter == Filter::bilinear ? triangle(x) : keys(x); }

// Pillow adds a half and cuts: rounding in any other way would give other weights.
// NOLINTBEGIN(bugprone-incorrect-roundings)

// The most bits that leave the largest weight of the axis below 2^15.
int precision_for(double largest) {
  int precision = 0;
  while (precision < 22 && static_cast<int>(0.5 + largest * (1 << (precision + 1))) < (1 << 15)) ++precision;
  return precision;
}

std::int16_t to_fixed(double weight, int precision) {
  const double v = weight * (1 << precision);
  return static_cast<std::int16_t>(v < 0 ? -0.5 + v : 0.5 + v);
}

// Where the filter stands for one output pixel.
struct Place {
  double center;
  int first;
  int count;
};

struct Scale {
  double scale;
  double radius;
  double shrink;
  int taps;

  Scale(int input, int output, Filter filter)
      : scale(static_cast<double>(input) / output),
        radius((filter == Filter::bilinear ? 1.0 : 2.0) * std::max(scale, 1.0)),
        shrink(scale >= 1.0 ? 1.0 / scale : 1.0),
        taps(static_cast<int>(std::ceil(radius)) * 2 + 1) {}

  Place at(int i, int input) const {
    const double center = scale * (i + 0.5);
    const int first = std::max(static_cast<int>(center - radius + 0.5), 0);
    return {center, first, std::clamp(std::min(static_cast<int>(center + radius + 0.5), input) - first, 0, taps)};
  }
};

}  // namespace

std::pair<int, int> axis_support(int input, int output, Filter filter, int from, int to) {
  if (input == output) return {from, to};
  const Scale scale(input, output, filter);
  const Place low = scale.at(from, input), high = scale.at(to - 1, input);
  return {low.first, high.first + high.count};
}

AxisWeights axis_weights(int input, int output, Filter filter) {
  const Scale scale(input, output, filter);
  AxisWeights axis;
  axis.taps = scale.taps;
  axis.first.resize(static_cast<std::size_t>(output));
  axis.count.resize(static_cast<std::size_t>(output));
  std::vector<double> exact(static_cast<std::size_t>(output) * static_cast<std::size_t>(axis.taps), 0.0);
  double largest = 0.0;
  for (int i = 0; i < output; ++i) {
    const auto [center, first, count] = scale.at(i, input);
    double* row = exact.data() + static_cast<std::ptrdiff_t>(i) * axis.taps;
    double total = 0.0;
    for (int j = 0; j < count; ++j) total += row[j] = evaluate(filter, (j + first - center + 0.5) * scale.shrink);
    for (int j = 0; j < count; ++j) {
      if (total != 0.0) row[j] /= total;
      largest = std::max(largest, row[j]);
    }
    axis.first[static_cast<std::size_t>(i)] = first;
    axis.count[static_cast<std::size_t>(i)] = count;
  }
  axis.precision = precision_for(largest);
  axis.weights.resize(exact.size());
  std::transform(exact.begin(), exact.end(), axis.weights.begin(),
                 [&](double w) { return to_fixed(w, axis.precision); });
  return axis;
}

// NOLINTEND(bugprone-incorrect-roundings)

const AxisWeights& AxisCache::get(int input, int output, Filter filter) {
  constexpr std::size_t most_bytes = std::size_t{4} << 20;
  const std::uint64_t key = (static_cast<std::uint64_t>(input) << 32) | (static_cast<std::uint64_t>(output) << 1) |
                            (filter == Filter::bicubic ? 1U : 0U);
  const auto found = axes_.find(key);
  if (found != axes_.end()) return found->second;
  if (bytes_ > most_bytes) {
    older_ = std::exchange(axes_, {});
    bytes_ = 0;
  }
  AxisWeights& axis = axes_[key];
  const auto kept = older_.find(key);
  if (kept != older_.end()) {
    axis = kept->second;
  } else {
    axis = axis_weights(input, output, filter);
    resample_kernels().pack(axis);
  }
  bytes_ += (axis.weights.size() + axis.packed.size()) * sizeof(std::int16_t) + axis.shuffles.size() +
            (axis.first.size() + axis.count.size()) * sizeof(int);
  return axis;
}

}  // namespace dime::detail
