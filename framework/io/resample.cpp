// SPDX-License-Identifier: Apache-2.0
#include "io/resample.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "io/resample_weights.hpp"

namespace dime {
namespace {

// Rows of packed RGB, which may lie in a larger image.
struct Pixels {
  const std::uint8_t* data;
  std::size_t stride;
  int height;
  int width;
  const std::uint8_t* row(int y) const { return data + stride * static_cast<std::size_t>(y); }
};

std::string text(const Size& size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

Pixels region(const Image& in, const Box& box) {
  const bool inside = box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 &&
                      box.top <= in.height - box.height && box.left <= in.width - box.width;
  if (!inside) {
    throw ArgumentError("a box of " + text({box.height, box.width}) + " pixels at (" + std::to_string(box.left) + ", " +
                        std::to_string(box.top) + ") does not lie in an image of " + text({in.height, in.width}));
  }
  const std::size_t stride = static_cast<std::size_t>(in.width) * 3;
  return {in.rgb.data() + stride * static_cast<std::size_t>(box.top) + static_cast<std::size_t>(box.left) * 3, stride,
          box.height, box.width};
}

Pixels whole(const Image& image) {
  return {image.rgb.data(), static_cast<std::size_t>(image.width) * 3, image.height, image.width};
}

void shape(Image& image, const Size& size) {
  image.height = size.height;
  image.width = size.width;
  image.rgb.resize(static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width) * 3);
}

std::uint8_t* row_of(Image& image, int y) {
  return image.rgb.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) * 3;
}

std::uint8_t to_byte(int sum, int precision) { return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255)); }

void copy_rows(const Pixels& in, Image& out) {
  shape(out, {in.height, in.width});
  for (int y = 0; y < in.height; ++y) std::memcpy(row_of(out, y), in.row(y), static_cast<std::size_t>(in.width) * 3);
}

void resize_row(const std::uint8_t* in, const detail::AxisWeights& axis, std::uint8_t* out) {
  const int half = 1 << (axis.precision - 1);
  const std::size_t width = axis.first.size();
  for (std::size_t x = 0; x < width; ++x) {
    const std::uint8_t* pixel = in + static_cast<std::size_t>(axis.first[x]) * 3;
    const std::int16_t* weight = axis.weights.data() + x * static_cast<std::size_t>(axis.taps);
    int r = half;
    int g = half;
    int b = half;
    for (int j = 0; j < axis.count[x]; ++j, pixel += 3) {
      r += weight[j] * pixel[0];
      g += weight[j] * pixel[1];
      b += weight[j] * pixel[2];
    }
    out[3 * x] = to_byte(r, axis.precision);
    out[3 * x + 1] = to_byte(g, axis.precision);
    out[3 * x + 2] = to_byte(b, axis.precision);
  }
}

void resize_columns(const Pixels& in, int width, Filter filter, Image& out) {
  const detail::AxisWeights axis = detail::axis_weights(in.width, width, filter);
  shape(out, {in.height, width});
  for (int y = 0; y < in.height; ++y) resize_row(in.row(y), axis, row_of(out, y));
}

void resize_rows(const Pixels& in, int height, Filter filter, Image& out) {
  const detail::AxisWeights axis = detail::axis_weights(in.height, height, filter);
  shape(out, {height, in.width});
  const std::size_t samples = static_cast<std::size_t>(in.width) * 3;
  std::vector<int> sums(samples);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (axis.precision - 1));
    const std::int16_t* weights =
        axis.weights.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(axis.taps);
    for (int j = 0; j < axis.count[y]; ++j) {
      const std::uint8_t* row = in.row(axis.first[y] + j);
      const int weight = weights[j];
      for (std::size_t x = 0; x < samples; ++x) sums[x] += weight * row[x];
    }
    std::uint8_t* to = row_of(out, y);
    for (std::size_t x = 0; x < samples; ++x) to[x] = to_byte(sums[x], axis.precision);
  }
}

}  // namespace

void resize(const Image& in, const Size& size, Filter filter, Image& out) {
  resize(in, Box{0, 0, in.height, in.width}, size, filter, out);
}

void resize(const Image& in, const Box& box, const Size& size, Filter filter, Image& out) {
  const Pixels from = region(in, box);
  if (size.height <= 0 || size.width <= 0)
    throw ArgumentError("an image cannot be resized to " + text(size) + " pixels");
  if (from.width == size.width && from.height == size.height) return copy_rows(from, out);
  if (from.width == size.width) return resize_rows(from, size.height, filter, out);
  if (from.height == size.height) return resize_columns(from, size.width, filter, out);
  Image narrow;
  resize_columns(from, size.width, filter, narrow);
  resize_rows(whole(narrow), size.height, filter, out);
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

void crop(const Image& in, const Box& box, Image& out) { copy_rows(region(in, box), out); }

void flip_horizontal(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* left = row_of(image, y);
    std::uint8_t* right = left + static_cast<std::size_t>(image.width) * 3;
    for (right -= 3; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}

void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                      float* out) {
  const std::size_t pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  for (std::size_t c = 0; c < 3; ++c) {
    if (std[c] == 0.0F) throw ArgumentError("a standard deviation of zero cannot normalise an image");
    std::array<float, 256> value;
    for (std::size_t x = 0; x < value.size(); ++x) {
      const float scaled = static_cast<float>(x) * static_cast<float>(1.0 / 255.0);
      const float centered = scaled - mean[c];
      value[x] = centered / std[c];
    }
    const std::uint8_t* from = image.rgb.data() + c;
    for (std::size_t i = 0; i < pixels; ++i) out[c * pixels + i] = value[from[3 * i]];
  }
}

}  // namespace dime
