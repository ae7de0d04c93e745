// SPDX-License-Identifier: Apache-2.0
// Vectors of numbers for the loops of score_kl. A Target is one kind of processor: it names the vector types and what
// plain operators cannot say, and keeps its functions apart from those of others.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

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

/// 2^x of floats x <= 0, also where it is below the least normal number; 0 from 2^-150 down. 2^n times a polynomial of
/// degree 6 that is 2^f to 2e-8 for |f| <= 1/2 (fitted at Chebyshev nodes).
template <class Target>
[[gnu::always_inline]] inline typename Target::Lanes exp2_of_floats(const typename Target::Lanes& x) {
  using Lanes = typename Target::Lanes;
  using Words = typename Target::Words;
  constexpr float magic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to whole numbers
  constexpr std::uint32_t up = 64;      // so that the power of two is a normal number
  constexpr float down = 0x1p-64F;
  const Lanes bounded = max(Lanes{} - 150.0F, x);  // which rounds to 0
  const Lanes shifted = bounded + magic;
  const Lanes f = bounded - (shifted - magic);
  Lanes p = Lanes{} + Target::exp2_coefficients[6];
  for (int i = 5; i >= 0; --i) p = Target::fma(p, f, Lanes{} + Target::exp2_coefficients[i]);
  const Words bits = load<Words>(&p) + (load<Words>(&shifted) << 23) + (up << 23);
  return load<Lanes>(&bits) * down;
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

template <class Target>
[[gnu::always_inline]] inline void store_low_halves(std::uint16_t* to, const typename Target::Words& x) {
  store(to, __builtin_convertvector(x, typename Target::Halves));
}

template <class Target>
[[gnu::always_inline]] inline typename Target::Words load_halves(const std::uint16_t* from) {
  return __builtin_convertvector(load<typename Target::Halves>(from), typename Target::Words);
}

/// The first halves of two vectors in turn (a0, b0, a1, ...), or their second halves.
template <bool Second, class Vector, std::size_t... I>
[[gnu::always_inline]] inline Vector interleave(const Vector& a, const Vector& b, std::index_sequence<I...>) {
  constexpr std::size_t size = sizeof...(I);
  return __builtin_shufflevector(a, b, (I / 2 + (Second ? size / 2 : 0) + I % 2 * size)...);
}

/// A square of as many vectors as each has numbers.
template <class Vector, std::size_t Size>
[[gnu::always_inline]] inline void transpose(Vector (&square)[Size]) {
  constexpr auto all = std::make_index_sequence<Size>{};
#pragma GCC unroll 4
  for (std::size_t stage = 1; stage < Size; stage *= 2) {
    Vector next[Size];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Size / 2; ++i) {
      next[2 * i] = interleave<false>(square[i], square[i + Size / 2], all);
      next[2 * i + 1] = interleave<true>(square[i], square[i + Size / 2], all);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Size; ++i) square[i] = next[i];
  }
}

}  // namespace dime::detail::lanes
