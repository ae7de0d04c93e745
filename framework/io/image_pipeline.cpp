// SPDX-License-Identifier: Apache-2.0
#include "io/image_pipeline.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace dime {
namespace {

using detail::AxisWeights;
using detail::Rows;
using detail::RowsOut;

// The buffers of a run: one holds the image so far, the others are free.
class Runner {
 public:
  explicit Runner(ImageWorkspace& workspace) : workspace_(workspace) {}

  PixelBuffer& now() { return workspace_.buffers[now_]; }
  PixelBuffer& free(std::size_t which) { return workspace_.buffers[(now_ + 1 + which) % workspace_.buffers.size()]; }
  void take(std::size_t which) { now_ = (now_ + 1 + which) % workspace_.buffers.size(); }

  void run(const ImageStep& step, const Box& needed, const Box& part) {
    switch (step.kind) {
      case ImageStep::Kind::resize:
        return resize(step, needed, part);
      case ImageStep::Kind::crop:
        return now().move(-step.box.top, -step.box.left);
      case ImageStep::Kind::flip:
        return flip(step.before.width);
      case ImageStep::Kind::pad:
        return pad(step, needed, part);
    }
  }

 private:
  void resize(const ImageStep& step, const Box& needed, const Box& part) {
    const bool narrows = step.before.width != step.after.width;
    if (narrows) resize_columns(step, needed, part);
    if (step.before.height != step.after.height) resize_rows(step, needed, part);
  }

  void resize_columns(const ImageStep& step, const Box& needed, const Box& part) {
    const AxisWeights& axis = workspace_.axes.get(step.before.width, step.after.width, step.filter);
    PixelBuffer& out = free(0);
    out.shape({needed.top, part.left, needed.height, part.width});
    detail::resample_kernels().columns({now().at(needed.top, needed.left), now().stride()}, needed.height, needed.left,
                                       axis, part.left, part.left + part.width, {out.row(needed.top), out.stride()});
    take(0);
  }

  void resize_rows(const ImageStep& step, const Box& needed, const Box& part) {
    const AxisWeights& axis = workspace_.axes.get(step.before.height, step.after.height, step.filter);
    PixelBuffer& out = free(0);
    out.shape(part);
    detail::resample_kernels().rows({now().at(needed.top, part.left), now().stride()}, needed.top,
                                    static_cast<std::size_t>(part.width) * 3, axis, part.top, part.top + part.height,
                                    {out.row(part.top), out.stride()});
    take(0);
  }

  void flip(int width) {
    const Box box = now().box();
    PixelBuffer& out = free(0);
    out.shape({box.top, width - box.left - box.width, box.height, box.width});
    for (int y = box.top; y < box.top + box.height; ++y) {
      const std::uint8_t* from = now().row(y) + static_cast<std::size_t>(box.width) * 3;
      std::uint8_t* to = out.row(y);
      for (int x = 0; x < box.width; ++x, to += 3) std::copy_n(from -= 3, 3, to);
    }
    take(0);
  }

  void pad(const ImageStep& step, const Box& needed, const Box& part) {
    PixelBuffer& out = free(0);
    out.shape(part);
    for (int y = part.top; y < part.top + part.height; ++y) {
      std::uint8_t* to = out.row(y);
      for (int x = 0; x < part.width; ++x, to += 3) std::copy(step.colour.begin(), step.colour.end(), to);
    }
    const int left = std::max(part.left, step.box.left);
    const int right = std::min(part.left + part.width, step.box.left + step.box.width);
    const int top = std::max(part.top, step.box.top);
    const int bottom = std::min(part.top + part.height, step.box.top + step.box.height);
    for (int y = top; y < bottom && left < right; ++y) {
      std::memcpy(out.at(y, left), now().at(needed.top + y - top, needed.left),
                  static_cast<std::size_t>(right - left) * 3);
    }
    take(0);
  }

  ImageWorkspace& workspace_;
  std::size_t now_ = 0;
};

}  // namespace

PlannedPixels run_exact(const ImagePlan& plan, ImageWorkspace& workspace) {
  const std::vector<Box> regions = plan.regions();
  const auto& steps = plan.steps();
  Runner runner(workspace);
  // The last flip is left to whoever copies the pixels.
  const bool is_mirrored = !steps.empty() && steps.back().kind == ImageStep::Kind::flip;
  for (std::size_t i = 0; i + (is_mirrored ? 1 : 0) < steps.size(); ++i) {
    runner.run(steps[i], regions[i], regions[i + 1]);
  }
  return {&runner.now(), plan.size(), is_mirrored};
}

void write_chw(const PlannedPixels& pixels, const detail::ChannelScales& scales, float* out) {
  const auto width = static_cast<std::size_t>(pixels.size.width);
  const std::size_t plane = width * static_cast<std::size_t>(pixels.size.height);
  const detail::ResampleKernels& kernels = detail::resample_kernels();
  for (int y = 0; y < pixels.size.height; ++y) {
    float* row = out + static_cast<std::size_t>(y) * width;
    kernels.normalize(pixels.pixels->at(y, 0), pixels.size.width, pixels.is_mirrored, scales,
                      {row, row + plane, row + 2 * plane});
  }
  kernels.settle();
}

void write_image(const PlannedPixels& pixels, Image& out) {
  out.height = pixels.size.height;
  out.width = pixels.size.width;
  const std::size_t stride = static_cast<std::size_t>(out.width) * 3;
  out.rgb.resize(stride * static_cast<std::size_t>(out.height));
  for (int y = 0; y < out.height; ++y) {
    std::memcpy(out.rgb.data() + static_cast<std::size_t>(y) * stride, pixels.pixels->at(y, 0), stride);
  }
  if (pixels.is_mirrored) flip_horizontal(out);
}

}  // namespace dime
