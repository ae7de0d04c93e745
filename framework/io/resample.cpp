// SPDX-License-Identifier: Apache-2.0
#include "io/resample.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "io/image_pipeline.hpp"
#include "io/resample_weights.hpp"

namespace dime {
namespace {

std::string text(const Size& size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

Size size_of(const Image& image) { return {image.height, image.width}; }

std::uint8_t* row_of(Image& image, int y) {
  return image.rgb.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) * 3;
}

}  // namespace

void expect_inside(const Box& box, const Size& size) {
  const bool inside = box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 &&
                      box.top <= size.height - box.height && box.left <= size.width - box.width;
  if (inside) return;
  throw ArgumentError("a box of " + text({box.height, box.width}) + " pixels at (" + std::to_string(box.left) + ", " +
                      std::to_string(box.top) + ") does not lie in an image of " + text(size));
}

Box resize_support(const Size& from, const Size& to, Filter filter, const Box& part) {
  const auto [top, bottom] = detail::axis_support(from.height, to.height, filter, part.top, part.top + part.height);
  const auto [left, right] = detail::axis_support(from.width, to.width, filter, part.left, part.left + part.width);
  return {top, left, bottom - top, right - left};
}

void resize(const Image& in, const Box& box, const Size& size, Filter filter, Image& out) {
  ImagePlan plan(size_of(in));
  plan.crop(box);
  plan.resize(size, filter);
  ImageWorkspace workspace;
  pixels_of(in)->read(plan.needed(), workspace.input());
  write_image(run_exact(plan, workspace), out);
}

Size short_side_size(const Size& image, int side) {
  if (image.height <= 0 || image.width <= 0 || side <= 0) {
    throw ArgumentError("the short side of an image of " + text(image) + " pixels cannot become " +
                        std::to_string(side));
  }
  const auto scaled = [&](int longer, int shorter) { return static_cast<int>(std::int64_t{side} * longer / shorter); };
  if (image.width <= image.height) return {scaled(image.height, image.width), side};
  return {side, scaled(image.width, image.height)};
}

Box center_box(const Size& image, const Size& size) {
  if (size.height > image.height || size.width > image.width || size.height <= 0 || size.width <= 0) {
    throw ArgumentError("an image of " + text(image) + " pixels has no middle of " + text(size));
  }
  const auto margin = [](int spare) { return spare / 2 + (spare % 2 == 1 && spare / 2 % 2 == 1 ? 1 : 0); };
  return {margin(image.height - size.height), margin(image.width - size.width), size.height, size.width};
}

void flip_horizontal(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* left = row_of(image, y);
    std::uint8_t* right = left + static_cast<std::size_t>(image.width) * 3;
    for (right -= 3; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}

}  // namespace dime
