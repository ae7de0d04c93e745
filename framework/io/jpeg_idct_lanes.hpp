// SPDX-License-Identifier: Apache-2.0
// The transform for eight columns at once, to be compiled for several kinds of processor: `Target` keeps their
// functions apart.
#pragma once

#include <array>

namespace dime::detail::idct {

using Lanes [[gnu::vector_size(32)]] = float;
using Rows8 = std::array<Lanes, 8>;

/// One dimension, over the rows. `v` was scaled by jpeg_scales.
template <class Target>
[[gnu::always_inline]] inline void transform(Rows8& v) {
  constexpr float sqrt_2 = 1.414213562F, a = 1.847759065F, b = 1.082392200F, c = 2.613125930F;
  const Lanes even_sum = v[0] + v[4], even_difference = v[0] - v[4];
  const Lanes outer = v[2] + v[6], inner = (v[2] - v[6]) * sqrt_2 - outer;
  const Lanes e0 = even_sum + outer, e3 = even_sum - outer;
  const Lanes e1 = even_difference + inner, e2 = even_difference - inner;

  const Lanes z13 = v[5] + v[3], z10 = v[5] - v[3], z11 = v[1] + v[7], z12 = v[1] - v[7];
  const Lanes o0 = z11 + z13;
  const Lanes z5 = (z10 + z12) * a;
  const Lanes o1 = z5 - z10 * c - o0;
  const Lanes o2 = (z11 - z13) * sqrt_2 - o1;
  const Lanes o3 = z5 - z12 * b - o2;

  v = {e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0};
}

template <class Target>
[[gnu::always_inline]] inline void transpose(Rows8& v) {
  const auto low = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13); };
  const auto high = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15); };
  const auto low_pairs = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13); };
  const auto high_pairs = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15); };
  const Lanes a0 = low(v[0], v[1]), a1 = high(v[0], v[1]), a2 = low(v[2], v[3]), a3 = high(v[2], v[3]);
  const Lanes a4 = low(v[4], v[5]), a5 = high(v[4], v[5]), a6 = low(v[6], v[7]), a7 = high(v[6], v[7]);
  const Lanes b0 = low_pairs(a0, a2), b1 = high_pairs(a0, a2), b2 = low_pairs(a1, a3), b3 = high_pairs(a1, a3);
  const Lanes b4 = low_pairs(a4, a6), b5 = high_pairs(a4, a6), b6 = low_pairs(a5, a7), b7 = high_pairs(a5, a7);
  const auto lower = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11); };
  const auto upper = [](Lanes x, Lanes y) { return __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15); };
  v = {lower(b0, b4), lower(b1, b5), lower(b2, b6), lower(b3, b7),
       upper(b0, b4), upper(b1, b5), upper(b2, b6), upper(b3, b7)};
}

/// The pixels of a block before they are rounded, by column.
template <class Target>
[[gnu::always_inline]] inline void columns_of(Rows8& v) {
  transform<Target>(v);
  transpose<Target>(v);
  transform<Target>(v);
  constexpr float middle = 128;
  for (Lanes& column : v) column += middle;
}

}  // namespace dime::detail::idct
