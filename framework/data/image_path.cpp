// SPDX-License-Identifier: Apache-2.0
#include "data/image_path.hpp"

#include <optional>
#include <string>
#include <utility>

#include "io/exif.hpp"
#include "io/fused_plan.hpp"

namespace dime {
namespace {

void expect_side(const Size& size, int side) {
  if (size.height == side && size.width == side) return;
  const std::string needed = std::to_string(side);
  throw RowError("the image is " + std::to_string(size.height) + "x" + std::to_string(size.width) +
                 " after its transforms, the model takes " + needed + "x" + needed + ": add a resize or a crop");
}

PlannedPixels run_exact_timed(const ImagePlan& plan, PixelSource& source, ImageWorkspace& workspace,
                              StageTimes* times) {
  {
    const StageTimer decode(times, &StageTimes::decode);
    source.read(plan.needed(), workspace.input());
  }
  const StageTimer resize(times, &StageTimes::resize);
  return run_exact(plan, workspace);
}

// Whether the image could be had in planes; the result is then in `out`.
bool run_planar_timed(const FusedPlan& plan, PixelSource& source, PlanarWorkspace& workspace,
                      const detail::ChannelScales& scales, float* out, StageTimes* times) {
  {
    const StageTimer decode(times, &StageTimes::decode);
    if (source.factor(plan.shrink()) > 1 || !source.read_planes(plan.needed(), workspace.decoder, workspace.image)) {
      return false;
    }
  }
  const StageTimer resize(times, &StageTimes::resize);
  write_fused_chw(plan, workspace, scales, out);
  return true;
}

PlannedPixels run_fused_timed(const FusedPlan& whole, PixelSource& source, ImageWorkspace& workspace,
                              StageTimes* times) {
  const int factor = source.factor(whole.shrink());
  const FusedPlan plan = whole.scaled(factor);
  {
    const StageTimer decode(times, &StageTimes::decode);
    source.read_scaled(plan.needed(), factor, workspace.input());
  }
  const StageTimer resize(times, &StageTimes::resize);
  return run_fused(plan, workspace);
}

}  // namespace

std::unique_ptr<ImagePathWorkspace> ImagePath::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<ImagePathWorkspace>();
  auto workspace = std::move(free_.back());
  free_.pop_back();
  return workspace;
}

void ImagePath::give_back(std::unique_ptr<ImagePathWorkspace> workspace) {
  if (workspace->bytes() > kMostKept) return;
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(workspace));
}

std::size_t ImagePath::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& workspace : free_) bytes += workspace->bytes();
  return bytes;
}

std::unique_ptr<PixelSource> ImagePath::open(const Row& row, Image& whole) const {
  if (row.pixels) {
    rgb_from_pixels(row.image, *row.pixels, whole);
    return pixels_of(whole);
  }
  const int orientation = is_upright_ ? exif_orientation(row.image) : 1;
  if (orientation == 1) return open_image(row.image);
  decode_image(row.image, whole);
  apply_orientation(whole, orientation);
  return pixels_of(whole);
}

void ImagePath::run(const Row& row, const TransformList& transforms, CounterRandom& random, int side, float* out,
                    StageTimes* times) {
  Lease lease(*this);
  ImagePathWorkspace& workspace = *lease;
  if (layout_ == PixelLayout::planes) return run_planes(row, transforms, random, side, workspace, out, times);
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  workspace.planes.resize(3 * pixels);
  const float* planes = workspace.planes.data();
  run_planes(row, transforms, random, side, workspace, workspace.planes.data(), times);
  const StageTimer normalise(times, &StageTimes::normalise);
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) out[3 * i + c] = planes[c * pixels + i];
  }
}

void ImagePath::run_planes(const Row& row, const TransformList& transforms, CounterRandom& random, int side,
                           ImagePathWorkspace& workspace, float* out, StageTimes* times) const {
  Image whole;
  std::unique_ptr<PixelSource> source;
  {
    const StageTimer decode(times, &StageTimes::decode);
    source = open(row, whole);
  }
  const ImagePlan plan = transforms.plan(source->size(), random);
  expect_side(plan.size(), side);
  const auto fused = transforms.resampling() == Resampling::fused ? FusedPlan::of(plan) : std::nullopt;
  const auto& scales = transforms.scales();
  if (fused && run_planar_timed(*fused, *source, workspace.planar, scales, out, times)) return;
  const PlannedPixels pixels =
      fused ? run_fused_timed(*fused, *source, workspace, times) : run_exact_timed(plan, *source, workspace, times);
  const StageTimer normalise(times, &StageTimes::normalise);
  write_chw(pixels, scales, out);
}

}  // namespace dime
