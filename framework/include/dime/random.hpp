// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: a pure function of a key, so that nothing depends on threads or on what ran before.
// Torch-free.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace dime {

/// A 64-bit finaliser (a bijection) with full avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ULL;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ULL;
  x ^= x >> 32;
  return x;
}

/// A key from any number of parts; the order of the parts matters.
constexpr std::uint64_t random_key(std::initializer_list<std::uint64_t> parts) {
  std::uint64_t key = 0x9e3779b97f4a7c15ULL;
  for (const std::uint64_t part : parts) key = mix64(key ^ mix64(part + 0x632be59bd9b4e019ULL)) + 0x9e3779b97f4a7c15ULL;
  return key;
}

/// A stream of numbers under one key. Copying it copies the place in the stream.
class CounterRandom {
 public:
  explicit constexpr CounterRandom(std::uint64_t key) : key_(key) {}

  /// The next 64 random bits.
  constexpr std::uint64_t bits() { return mix64(key_ ^ mix64(++counter_ * 0x9e3779b97f4a7c15ULL)); }
  /// Uniform in [0, 1), with 53 bits.
  constexpr double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  /// Uniform in [low, high).
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform among 0 .. n-1, without bias; n > 0.
  constexpr std::uint64_t below(std::uint64_t n) {
    const std::uint64_t limit = ~0ULL - (~0ULL % n + 1) % n;
    std::uint64_t x = bits();
    while (x > limit) x = bits();
    return x % n;
  }

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

/// A keyed permutation of 0 .. n-1 in O(1) memory: a balanced Feistel network over the next even power of two, walked
/// until it falls inside.
class Permutation {
 public:
  /// n > 0.
  constexpr Permutation(std::uint64_t n, std::uint64_t key) : n_(n), key_(key) {
    while ((1ULL << (2 * half_)) < n && half_ < 32) ++half_;
    mask_ = (half_ < 32 ? (1ULL << half_) : (1ULL << 32)) - 1;
  }

  /// The image of i; 0 <= i < n.
  constexpr std::uint64_t operator()(std::uint64_t i) const {
    do i = forward(i);
    while (i >= n_);
    return i;
  }

  /// The i whose image is x; 0 <= x < n.
  constexpr std::uint64_t inverse(std::uint64_t x) const {
    do x = backward(x);
    while (x >= n_);
    return x;
  }

 private:
  static constexpr std::uint64_t kRounds = 6;

  constexpr std::uint64_t forward(std::uint64_t x) const {
    std::uint64_t left = x >> half_;
    std::uint64_t right = x & mask_;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t next = left ^ mixed(right, round);
      left = right;
      right = next;
    }
    return (left << half_) | right;
  }

  constexpr std::uint64_t backward(std::uint64_t x) const {
    std::uint64_t left = x >> half_;
    std::uint64_t right = x & mask_;
    for (std::uint64_t round = kRounds; round-- > 0;) {
      const std::uint64_t before = right ^ mixed(left, round);
      right = left;
      left = before;
    }
    return (left << half_) | right;
  }

  constexpr std::uint64_t mixed(std::uint64_t half, std::uint64_t round) const {
    return mix64(key_ ^ mix64(half + (round << 56) + 1)) & mask_;
  }

  std::uint64_t n_;
  std::uint64_t key_;
  std::uint64_t mask_ = 0;
  int half_ = 1;
};

}  // namespace dime
