// SPDX-License-Identifier: Apache-2.0
#include "io/resample_weights.hpp"

#include <algorithm>
#include <cmath>

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

}  // namespace

AxisWeights axis_weights(int input, int output, Filter filter) {
  const double scale = static_cast<double>(input) / output;
  const double radius = (filter == Filter::bilinear ? 1.0 : 2.0) * std::max(scale, 1.0);
  const double shrink = scale >= 1.0 ? 1.0 / scale : 1.0;
  AxisWeights axis;
  axis.taps = static_cast<int>(std::ceil(radius)) * 2 + 1;
  axis.first.resize(output);
  axis.count.resize(output);
  std::vector<double> exact(static_cast<std::size_t>(output) * axis.taps, 0.0);
  double largest = 0.0;
  for (int i = 0; i < output; ++i) {
    const double center = scale * (i + 0.5);
    const int first = std::max(static_cast<int>(center - radius + 0.5), 0);
    const int count = std::clamp(std::min(static_cast<int>(center + radius + 0.5), input) - first, 0, axis.taps);
    double* row = exact.data() + static_cast<std::size_t>(i) * axis.taps;
    double total = 0.0;
    for (int j = 0; j < count; ++j) total += row[j] = evaluate(filter, (j + first - center + 0.5) * shrink);
    for (int j = 0; j < count; ++j) {
      if (total != 0.0) row[j] /= total;
      largest = std::max(largest, row[j]);
    }
    axis.first[i] = first;
    axis.count[i] = count;
  }
  axis.precision = precision_for(largest);
  axis.weights.resize(exact.size());
  std::transform(exact.begin(), exact.end(), axis.weights.begin(),
                 [&](double w) { return to_fixed(w, axis.precision); });
  return axis;
}

// NOLINTEND(bugprone-incorrect-roundings)

}  // namespace dime::detail
