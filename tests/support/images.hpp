// SPDX-License-Identifier: Apache-2.0
// Plans run on images in memory.
#pragma once

#include <array>
#include <vector>

#include <dime/random.hpp>

#include "io/image_pipeline.hpp"

namespace dime::test {

inline Size size_of(const Image& image) { return {image.height, image.width}; }

/// `image` after the steps of `plan`.
inline Image planned(const Image& image, const ImagePlan& plan) {
  ImageWorkspace workspace;
  Image out;
  pixels_of(image)->read(plan.needed(), workspace.input());
  write_image(run_exact(plan, workspace), out);
  return out;
}

/// `image` after the transforms of a list, or of one transform.
template <class Transforms>
Image transformed(const Image& image, const Transforms& transforms, CounterRandom random) {
  if constexpr (requires { transforms.plan(size_of(image), random); }) {
    return planned(image, transforms.plan(size_of(image), random));
  } else {
    ImagePlan plan(size_of(image));
    transforms.add(plan, random);
    return planned(image, plan);
  }
}

/// The numbers that a model is given, [3, height, width].
inline std::vector<float> normalised(const Image& image, const std::array<float, 3>& mean,
                                     const std::array<float, 3>& std) {
  ImageWorkspace workspace;
  std::vector<float> out(image.rgb.size());
  const ImagePlan plan(size_of(image));
  pixels_of(image)->read(plan.needed(), workspace.input());
  detail::ChannelScales scales;
  for (std::size_t c = 0; c < 3; ++c) scales[c] = detail::channel_scale(mean[c], std[c]);
  write_chw(run_exact(plan, workspace), scales, out.data());
  return out;
}

}  // namespace dime::test
