// SPDX-License-Identifier: Apache-2.0
// What JPEGs are made of, and how their planes are asked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include <dime/random.hpp>

#include "io/jpeg_baseline.hpp"
#include "io/pixel_source.hpp"

namespace dime::test {

/// Waves; where `noise` is not 0, so much of it, and patches of the extremes.
inline Image picture(int height, int width, double noise = 60) {
  Image image{height, width, {}};
  CounterRandom random(static_cast<std::uint64_t>(height) * 1000 + static_cast<std::uint64_t>(width));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = 127.5 + 100 * std::sin(0.11 * x + c) * std::cos(0.07 * y - 0.4 * c);
        const bool is_extreme = noise > 0 && (y / 16 + x / 16) % 5 == 4;
        const double value =
            is_extreme ? 255.0 * static_cast<double>(random.below(2)) : wave + noise * random.uniform(-1, 1);
        image.rgb.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))));
      }
    }
  }
  return image;
}

/// The planes of a region, where the own decoder gives them.
inline std::optional<PlanarImage> planes_of(std::span<const std::uint8_t> bytes, const Box& region) {
  detail::JpegBaseline decoder;
  PlanarImage planes;
  if (!open_image(bytes)->read_planes(region, decoder, planes)) return {};
  return planes;
}

}  // namespace dime::test
