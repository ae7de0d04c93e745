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

class Axis {
 public:
  Axis(const AxisMap& map, Filter filter)
      : map_(map),
        filter_(filter),
        radius_((filter == Filter::bilinear ? 1.0 : 2.0) * std::max(map.scale, 1.0)),
        shrink_(map.scale >= 1.0 ? 1.0 / map.scale : 1.0),
        taps_(static_cast<int>(std::ceil(radius_)) * 2 + 1) {}

  Place at(int i) const {
    const double center = map_.offset + map_.scale * (i + 0.5);
    const int first = std::clamp(static_cast<int>(center - radius_ + 0.5), map_.low, map_.high - 1);
    const int last = std::min(static_cast<int>(center + radius_ + 0.5), map_.high);
    return {center, first, std::clamp(last - first, 1, taps_)};
  }

  // The weights of one output to `row`, which holds taps(); their largest.
  double weigh(const Place& place, double* row) const {
    double total = 0.0, largest = 0.0;
    for (int j = 0; j < place.count; ++j) {
      total += row[j] = evaluate(filter_, (j + place.first - place.center + 0.5) * shrink_);
    }
    // Between pixels that may not be read there can be nothing to weigh.
    if (total == 0.0) total = row[0] = 1.0;
    for (int j = 0; j < place.count; ++j) largest = std::max(largest, row[j] /= total);
    return largest;
  }
  int taps() const { return taps_; }

 private:
  AxisMap map_;
  Filter filter_;
  double radius_;
  double shrink_;
  int taps_;
};

AxisMap whole_axis(int input, int output) { return {static_cast<double>(input) / output, 0, 0, input, output}; }

}  // namespace

std::pair<int, int> axis_support(int input, int output, Filter filter, int from, int to) {
  if (input == output) return {from, to};
  const Axis axis(whole_axis(input, output), filter);
  const Place low = axis.at(from), high = axis.at(to - 1);
  return {low.first, high.first + high.count};
}

std::pair<int, int> axis_support(const AxisMap& map, Filter filter) {
  const Axis axis(map, filter);
  const Place low = axis.at(0), high = axis.at(map.outputs - 1);
  return {low.first, high.first + high.count};
}

AxisWeights axis_weights(int input, int output, Filter filter) {
  return axis_weights(whole_axis(input, output), filter);
}

AxisWeights axis_weights(const AxisMap& map, Filter filter) {
  const Axis made(map, filter);
  const auto outputs = static_cast<std::size_t>(map.outputs), taps = static_cast<std::size_t>(made.taps());
  AxisWeights axis;
  axis.taps = made.taps();
  axis.first.resize(outputs);
  axis.count.resize(outputs);
  std::vector<double> exact(outputs * taps, 0.0);
  double largest = 0.0;
  for (int i = 0; i < map.outputs; ++i) {
    const auto to = static_cast<std::size_t>(i);
    const Place place = made.at(i);
    largest = std::max(largest, made.weigh(place, exact.data() + to * taps));
    axis.first[to] = place.first;
    axis.count[to] = place.count;
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
