// SPDX-License-Identifier: Apache-2.0
#include "io/fused_planes.hpp"

#include <algorithm>
#include <tuple>

#include "io/planar_kernels.hpp"
#include "io/resample_weights.hpp"

namespace dime {
namespace {

void mirror(detail::AxisWeights& axis) {
  std::reverse(axis.first.begin(), axis.first.end());
  std::reverse(axis.count.begin(), axis.count.end());
  const auto outputs = static_cast<std::ptrdiff_t>(axis.first.size());
  for (std::ptrdiff_t i = 0, j = outputs - 1; i < j; ++i, --j) {
    std::swap_ranges(axis.weights.begin() + i * axis.taps, axis.weights.begin() + (i + 1) * axis.taps,
                     axis.weights.begin() + j * axis.taps);
  }
}

// The weights of both axes of a plane.
struct PlaneAxes {
  detail::AxisWeights rows;
  detail::AxisWeights columns;
  int first_row = 0;
  int last_row = 0;

  PlaneAxes(const FusedPlan& plan, int row_factor, int column_factor) {
    const AxisMap row_map = coarser(plan.rows, row_factor);
    rows = detail::axis_weights(row_map, plan.filter);
    columns = detail::axis_weights(coarser(plan.columns, column_factor), plan.filter);
    if (plan.is_mirrored) mirror(columns);
    std::tie(first_row, last_row) = detail::axis_support(row_map, plan.filter);
  }
};

void resample(const PlaneAxes& axes, const TransposedPlane& plane, PlanarWorkspace& workspace, Lines& out) {
  const auto rows = detail::resample_kernels().rows;
  const int width = static_cast<int>(axes.columns.first.size()), height = static_cast<int>(axes.rows.first.size());
  const int needed = axes.last_row - axes.first_row;
  Lines &narrow = workspace.narrow, &turned = workspace.turned;
  narrow.shape(width, needed);
  rows({plane.at(axes.first_row, plane.box.left), plane.columns.stride()}, plane.box.left,
       static_cast<std::size_t>(needed), axes.columns, 0, width, {narrow.line(0), narrow.stride()});
  detail::transpose(narrow, turned);
  out.shape(height, width);
  rows({turned.line(0), turned.stride()}, axes.first_row, static_cast<std::size_t>(width), axes.rows, 0, height,
       {out.line(0), out.stride()});
}

}  // namespace

std::size_t PlanarWorkspace::bytes() const {
  std::size_t bytes = narrow.bytes() + turned.bytes();
  for (const TransposedPlane& plane : image.planes) bytes += plane.columns.bytes();
  for (const Lines& lines : small) bytes += lines.bytes();
  return bytes;
}

void write_fused_chw(const FusedPlan& plan, PlanarWorkspace& workspace, const detail::ChannelScales& scales,
                     float* out) {
  const PlanarImage& image = workspace.image;
  auto& small = workspace.small;
  resample(PlaneAxes(plan, 1, 1), image.planes[0], workspace, small[0]);
  const PlaneAxes chroma(plan, image.rows, image.columns);
  resample(chroma, image.planes[1], workspace, small[1]);
  resample(chroma, image.planes[2], workspace, small[2]);

  const auto width = static_cast<std::size_t>(plan.columns.outputs);
  const std::size_t plane = width * static_cast<std::size_t>(plan.rows.outputs);
  const detail::ChannelLines lines = detail::channel_lines(scales);
  const detail::PlanarKernels& kernels = detail::planar_kernels();
  for (int y = 0; y < plan.rows.outputs; ++y) {
    float* row = out + static_cast<std::size_t>(y) * width;
    kernels.colour({small[0].line(y), small[1].line(y), small[2].line(y)}, plan.columns.outputs, lines,
                   {row, row + plane, row + 2 * plane});
  }
  kernels.settle();
}

}  // namespace dime
