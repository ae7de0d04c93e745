// SPDX-License-Identifier: Apache-2.0
// Vectors of numbers for the loops of score_kl. A Target is one kind of processor: it names the vector types and what
// plain operators cannot say, and keeps its functions apart from those of others.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace dime::detail::lanes {

template <class Target>
inline constexpr int width = sizeof(typename Target::Lanes) / sizeof(typename Target::Number);

template <class Vector, class T>
[[gnu::always_inline]] inline Vector load(const T* from) {
  Vector v;
  std::memcpy(&v, from, sizeof(Vector));
  return v;
}

template <class Vector, class T>
[[gnu::always_inline]] inline void store(T* to, const Vector& v) {
  std::memcpy(to, &v, sizeof(Vector));
}

template <class Vector>
[[gnu::always_inline]] inline Vector max(const Vector& a, const Vector& b) {
  return a > b ? a : b;
}

template <class Target>
[[gnu::always_inline]] inline typename Target::Number horizontal_max(const typename Target::Lanes& v) {
  typename Target::Number most = v[0];
  for (int i = 1; i < width<Target>; ++i) most = v[i] > most ? v[i] : most;
  return most;
}

/// A sum that carries along what its roundings lost (Kahan): a softmax that is nearly one-hot lives in the digits that
/// a plain sum drops.
template <class Lanes>
struct CarryingSum {
  Lanes sum{}, lost{};

  [[gnu::always_inline]] void add(const Lanes& x) {
    const Lanes corrected = x - lost, next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  double of(int lane) const { return static_cast<double>(sum[lane]) - static_cast<double>(lost[lane]); }
};

template <class Target>
[[gnu::always_inline]] inline typename Target::Number horizontal_sum(const typename Target::Lanes& v) {
  typename Target::Number sum = v[0];
  for (int i = 1; i < width<Target>; ++i) sum += v[i];
  return sum;
}

/// 2^x of floats x <= 0, also where it is below the least normal number; 0 below 2^-149. 2^n times a polynomial of
/// degree 6 that is 2^f to 2e-8 for |f| <= 1/2 (fitted at Chebyshev nodes).
template <class Target>
[[gnu::always_inline]] inline typename Target::Lanes exp2_of_floats(const typename Target::Lanes& x) {
  using Lanes = typename Target::Lanes;
  using Words = typename Target::Words;
  constexpr float magic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to whole numbers
  constexpr std::uint32_t up = 64;      // so that the power of two is a normal number
  constexpr float down = 0x1p-64F;
  const Lanes least = Lanes{} - 149.0F;
  const Lanes bounded = max(x, least);
  const Lanes shifted = bounded + magic;
  const Lanes f = bounded - (shifted - magic);
  Lanes p = Lanes{} + Target::exp2_coefficients[6];
  for (int i = 5; i >= 0; --i) p = Target::fma(p, f, Lanes{} + Target::exp2_coefficients[i]);
  const Words bits = load<Words>(&p) + (load<Words>(&shifted) << 23) + (up << 23);
  const Lanes power = load<Lanes>(&bits) * down;
  return x < least ? Lanes{} : power;
}

template <class Target>
[[gnu::always_inline]] inline typename Target::Lanes exp2_of_doubles(const typename Target::Lanes& x) {
  typename Target::Lanes power{};
  for (int i = 0; i < width<Target>; ++i) power[i] = std::exp2(x[i]);
  return power;
}

/// The nearest numbers of bf16, ties to even, in the low halves.
template <class Target>
[[gnu::always_inline]] inline typename Target::Words to_bf16(const typename Target::Lanes& x) {
  const auto bits = load<typename Target::Words>(&x);
  return (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
}

}  // namespace dime::detail::lanes
