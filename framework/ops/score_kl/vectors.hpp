// SPDX-License-Identifier: Apache-2.0
// What score_kl does with single vectors, to be compiled for several kinds of processor.
#pragma once

#include "ops/score_kl/lanes.hpp"

namespace dime::detail::vectors {

/// Numbers of bf16: vector / |vector| - mean, rounded to the nearest.
template <class Target>
void centre(const float* vector, float inverse_norm, const float* mean, int width, std::uint16_t* out) {
  using Lanes = typename Target::Lanes;
  constexpr int step = lanes::width<Target>;
  int k = 0;
  for (; k + step <= width; k += step) {
    const Lanes x = lanes::load<Lanes>(vector + k) * inverse_norm - lanes::load<Lanes>(mean + k);
    lanes::store_low_halves<Target>(out + k, lanes::to_bf16<Target>(x));
  }
  for (; k < width; ++k) {
    const Lanes x = Lanes{} + (vector[k] * inverse_norm - mean[k]);
    out[k] = static_cast<std::uint16_t>(lanes::to_bf16<Target>(x)[0]);
  }
}

/// d / dx of f(x / |x|) is (g - (g n) n) / |x|, with n = x / |x| and g the gradient at n.
template <class Target>
double denormalise(typename Target::Number* gradient, const typename Target::Number* vector,
                   typename Target::Number inverse_norm, typename Target::Number factor,
                   const typename Target::Number* mean, typename Target::Number sum, int width) {
  using Number = typename Target::Number;
  using Lanes = typename Target::Lanes;
  constexpr int step = lanes::width<Target>;
  const int whole = width / step * step;
  Lanes products{};
  for (int k = 0; k < whole; k += step) {
    Lanes g = lanes::load<Lanes>(gradient + k);
    if (mean != nullptr) g += lanes::load<Lanes>(mean + k) * sum;
    lanes::store(gradient + k, g);
    products = Target::fma(g, lanes::load<Lanes>(vector + k), products);
  }
  Number along = lanes::horizontal_sum<Target>(products);
  for (int k = whole; k < width; ++k) {
    if (mean != nullptr) gradient[k] += mean[k] * sum;
    along += gradient[k] * vector[k];
  }
  along *= inverse_norm;
  const Number outer = factor * inverse_norm, inner = along * inverse_norm;
  for (int k = 0; k < whole; k += step) {
    const Lanes g = lanes::load<Lanes>(gradient + k);
    lanes::store(gradient + k, (g - lanes::load<Lanes>(vector + k) * inner) * outer);
  }
  for (int k = whole; k < width; ++k) gradient[k] = (gradient[k] - vector[k] * inner) * outer;
  return static_cast<double>(along);
}

}  // namespace dime::detail::vectors
