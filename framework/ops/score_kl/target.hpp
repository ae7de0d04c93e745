// SPDX-License-Identifier: Apache-2.0
// What all kinds of processor share, and the table that the loops of one make.
#pragma once

#include "ops/score_kl/products.hpp"
#include "ops/score_kl/softmax.hpp"
#include "ops/score_kl/vectors.hpp"

namespace dime::detail {

struct FloatConstants {
  using Number = float;
  static constexpr float exp2_coefficients[7] = {1.0F,
                                                 0.6931471824645996F,
                                                 0.24022650718688965F,
                                                 0.05550327152013779F,
                                                 0.009618056938052177F,
                                                 0.0013400427997112274F,
                                                 0.00015461444854736328F};
  // (exp(-x) - 1 + x) / x^2 and how far it is used.
  static constexpr float series[5] = {1.0F / 2, -1.0F / 6, 1.0F / 24, -1.0F / 120, 1.0F / 720};
  static constexpr float series_until = 0.25F;
};

template <class W>
constexpr ScoreKernels<typename W::Number> score_kernels_of() {
  using T = typename W::Target;
  void (*centre)(const float*, float, const float*, int, std::uint16_t*) = nullptr;
  if constexpr (W::packed == 2) centre = vectors::centre<T>;
  return {products::panel<W>,
          T::group,
          W::packed,
          sizeof(typename W::Word),
          products::pack<W>,
          products::transpose<typename W::Lanes, typename W::Number>,
          products::tile_products<W>,
          products::gradient<W, true>,
          products::gradient<W, false>,
          products::scratch_bytes<W>,
          softmax::row_stats<T>,
          softmax::column_stats<T>,
          softmax::factors<T>,
          centre,
          vectors::denormalise<T>};
}

}  // namespace dime::detail
