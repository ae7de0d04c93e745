// SPDX-License-Identifier: Apache-2.0
#include "io/fused_plan.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "io/resample_weights.hpp"

namespace dime {
namespace {

// An axis while it is followed through the steps: position p after them lies at offset + scale * p of the source.
struct Track {
  double scale = 1;
  double offset = 0;
  double low = 0;
  double high = 0;
  double length = 0;
  int source = 0;

  explicit Track(int pixels) : high(pixels), length(pixels), source(pixels) {}

  void resize(int to) {
    scale *= length / to;
    length = to;
  }
  void crop(int from, int to) {
    offset += scale * from;
    length = to;
    const double end = offset + scale * length;
    low = std::max(low, std::min(offset, end));
    high = std::min(high, std::max(offset, end));
  }
  void flip() {
    offset += scale * length;
    scale = -scale;
  }

  AxisMap map() const {
    constexpr double tolerance = 1e-6;
    // However little is left, it lies in a pixel.
    const int first = std::min(static_cast<int>(std::floor(low + tolerance)), source - 1);
    const int last = std::max(static_cast<int>(std::ceil(high - tolerance)), first + 1);
    return {scale, offset, first, last, static_cast<int>(length)};
  }
};

}  // namespace

AxisMap coarser(const AxisMap& map, int factor) {
  return {map.scale / factor, map.offset / factor, map.low / factor, (map.high + factor - 1) / factor, map.outputs};
}

std::optional<FusedPlan> FusedPlan::of(const ImagePlan& plan) {
  FusedPlan fused;
  Track rows(plan.source().height), columns(plan.source().width);
  bool has_resize = false;
  for (const ImageStep& step : plan.steps()) {
    switch (step.kind) {
      case ImageStep::Kind::resize:
        rows.resize(step.after.height);
        columns.resize(step.after.width);
        fused.filter = step.filter;
        has_resize = true;
        break;
      case ImageStep::Kind::crop:
        rows.crop(step.box.top, step.box.height);
        columns.crop(step.box.left, step.box.width);
        break;
      case ImageStep::Kind::flip:
        columns.flip();
        break;
      case ImageStep::Kind::pad:
        return {};
    }
  }
  if (!has_resize) return {};
  fused.is_mirrored = columns.scale < 0;
  if (fused.is_mirrored) columns.flip();
  fused.rows = rows.map();
  fused.columns = columns.map();
  return fused;
}

double FusedPlan::shrink() const { return std::min(rows.scale, columns.scale); }

FusedPlan FusedPlan::scaled(int factor) const {
  FusedPlan plan = *this;
  plan.rows = coarser(rows, factor);
  plan.columns = coarser(columns, factor);
  return plan;
}

Box FusedPlan::needed() const {
  const auto [top, bottom] = detail::axis_support(rows, filter);
  const auto [left, right] = detail::axis_support(columns, filter);
  return {top, left, bottom - top, right - left};
}

PlannedPixels run_fused(const FusedPlan& plan, ImageWorkspace& workspace) {
  const Box needed = plan.needed();
  const detail::ResampleKernels& kernels = detail::resample_kernels();
  const PixelBuffer& in = workspace.input();
  PixelBuffer &narrow = workspace.buffers[1], &out = workspace.buffers[2];
  detail::AxisWeights axis = detail::axis_weights(plan.columns, plan.filter);
  kernels.pack(axis);
  narrow.shape({needed.top, 0, needed.height, plan.columns.outputs});
  kernels.columns({in.at(needed.top, needed.left), in.stride()}, needed.height, needed.left, axis, 0,
                  plan.columns.outputs, {narrow.row(needed.top), narrow.stride()});
  axis = detail::axis_weights(plan.rows, plan.filter);
  kernels.pack(axis);
  out.shape({0, 0, plan.rows.outputs, plan.columns.outputs});
  kernels.rows({narrow.row(needed.top), narrow.stride()}, needed.top,
               static_cast<std::size_t>(plan.columns.outputs) * 3, axis, 0, plan.rows.outputs,
               {out.row(0), out.stride()});
  return {&out, {plan.rows.outputs, plan.columns.outputs}, plan.is_mirrored};
}

}  // namespace dime
