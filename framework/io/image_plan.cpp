// SPDX-License-Identifier: Apache-2.0
#include "io/image_plan.hpp"

#include <algorithm>
#include <string>

#include <dime/error.hpp>

namespace dime {
namespace {

void expect_within_limits(std::int64_t height, std::int64_t width, const char* made) {
  const ImageLimits limits;
  if (std::max(height, width) <= limits.side && height * width <= limits.pixels) return;
  throw RowError("the " + std::string(made) + " image would be " + std::to_string(height) + "x" +
                 std::to_string(width) + ", which is too large");
}

Box mirrored(const Box& box, int width) { return {box.top, width - box.left - box.width, box.height, box.width}; }

Box common(const Box& a, const Box& b) {
  const int top = std::max(a.top, b.top), left = std::max(a.left, b.left);
  const int bottom = std::min(a.top + a.height, b.top + b.height);
  const int right = std::min(a.left + a.width, b.left + b.width);
  return {top, left, std::max(bottom - top, 0), std::max(right - left, 0)};
}

}  // namespace

Box ImageStep::needed(const Box& part) const {
  switch (kind) {
    case Kind::resize:
      return resize_support(before, after, filter, part);
    case Kind::crop:
      return {part.top + box.top, part.left + box.left, part.height, part.width};
    case Kind::flip:
      return mirrored(part, before.width);
    case Kind::pad:
      break;
  }
  const Box seen = common(part, box);
  if (seen.height == 0 || seen.width == 0) return {0, 0, 1, 1};
  return {seen.top - box.top, seen.left - box.left, seen.height, seen.width};
}

std::vector<Box> ImagePlan::regions() const {
  std::vector<Box> regions(steps_.size() + 1);
  regions.back() = {0, 0, size().height, size().width};
  for (std::size_t i = steps_.size(); i > 0; --i) regions[i - 1] = steps_[i - 1].needed(regions[i]);
  return regions;
}

void ImagePlan::resize(const Size& to, Filter filter) {
  if (to.height <= 0 || to.width <= 0) {
    throw ArgumentError("an image cannot be resized to " + std::to_string(to.width) + " x " +
                        std::to_string(to.height) + " pixels");
  }
  expect_within_limits(to.height, to.width, "resized");
  if (to.height == size().height && to.width == size().width) return;
  steps_.push_back({.kind = ImageStep::Kind::resize, .before = size(), .after = to, .filter = filter, .box = {}});
}

void ImagePlan::crop(const Box& box) {
  expect_inside(box, size());
  if (box.height == size().height && box.width == size().width) return;
  steps_.push_back({.kind = ImageStep::Kind::crop, .before = size(), .after = {box.height, box.width}, .box = box});
}

void ImagePlan::flip() {
  steps_.push_back({.kind = ImageStep::Kind::flip, .before = size(), .after = size(), .box = {}});
}

void ImagePlan::pad(int top, int left, int bottom, int right, const std::array<std::uint8_t, 3>& colour) {
  const Size old = size();
  const std::int64_t height = std::int64_t{top} + old.height + bottom;
  const std::int64_t width = std::int64_t{left} + old.width + right;
  expect_within_limits(height, width, "padded");
  steps_.push_back({.kind = ImageStep::Kind::pad,
                    .before = old,
                    .after = {static_cast<int>(height), static_cast<int>(width)},
                    .box = {top, left, old.height, old.width},
                    .colour = colour});
}

}  // namespace dime
