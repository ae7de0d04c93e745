// SPDX-License-Identifier: Apache-2.0
// That a keyed permutation is one, at any size, and that its orders look random.
//
// The bounds on statistics are such that a truly random permutation passes with a probability above 1 - 1e-9; keys are
// fixed, so that a test passes always or never.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include <dime/random.hpp>

namespace dime {
namespace {

constexpr std::uint64_t kBillion = 1000000000, kSample = 2000000, kStride = kBillion / kSample;

/// The images of `kSample` places, `stride` apart.
std::vector<double> images(const Permutation& p, std::uint64_t stride) {
  std::vector<double> all(kSample);
  for (std::uint64_t i = 0; i < kSample; ++i) all[i] = static_cast<double>(p(i * stride));
  return all;
}

/// How often values in [0, 1e9) fall into each of `buckets` equal parts, against equal counts.
double chi_square(const std::vector<double>& values, std::size_t buckets = 1000) {
  std::vector<double> counts(buckets, 0);
  for (const double x : values) counts[static_cast<std::size_t>(x / kBillion * static_cast<double>(buckets))] += 1;
  const double expected = static_cast<double>(values.size()) / static_cast<double>(buckets);
  double sum = 0;
  for (const double c : counts) sum += (c - expected) * (c - expected) / expected;
  return sum;
}

/// A chi-square of k degrees of freedom is further away than this with probability at most 2 exp(-22) = 5.6e-10
/// (Laurent and Massart 2000, lemma 1).
void expect_chi_square(double x, double k, const char* what) {
  constexpr double t = 22;
  EXPECT_LT(x, k + 2 * std::sqrt(k * t) + 2 * t) << what;
  EXPECT_GT(x, k - 2 * std::sqrt(k * t)) << what;
}

/// The two-sided 5.6e-10 point of a mean of `kSample` numbers of this deviation.
double largest_error(double deviation) { return 6.2 * deviation / std::sqrt(static_cast<double>(kSample)); }

/// Of a with b, each uniform in [0, 1e9).
double correlation(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += (a[i] / kBillion - 0.5) * (b[i] / kBillion - 0.5);
  return sum * 12 / static_cast<double>(n);
}

/// a - b modulo 1e9.
std::vector<double> differences(const double* a, const double* b, std::size_t n) {
  std::vector<double> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = a[i] - b[i] + (a[i] < b[i] ? kBillion : 0);
  return all;
}

std::size_t equal_places(const std::vector<double>& a, const std::vector<double>& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return equal;
}

void expect_bijection(std::uint64_t n, std::uint64_t key) {
  const Permutation p(n, key);
  std::vector<bool> seen(n, false);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t x = p(i);
    ASSERT_LT(x, n);
    ASSERT_FALSE(seen[x]) << "n " << n << ", " << x << " twice";
    seen[x] = true;
  }
}

void expect_inverse(std::uint64_t n, std::uint64_t key) {
  const Permutation p(n, key);
  for (std::uint64_t i = 0; i < n; ++i) ASSERT_EQ(p.inverse(p(i)), i) << "n " << n;
}

// All that there is of an order over any number of rows.
static_assert(std::is_trivially_copyable_v<Permutation> && sizeof(Permutation) <= 32);

TEST(Permutation, IsABijectionAtEverySmallSize) {
  for (std::uint64_t n = 1; n <= 2000; ++n) {
    for (const std::uint64_t key : {0ULL, 12345678901234567ULL}) expect_bijection(n, key);
  }
}

TEST(Permutation, IsABijectionAtSizesAroundAPowerOfFour) {
  expect_bijection((1U << 24) - 3, 5);
  expect_bijection((1U << 20) + 3, 6);
}

TEST(Permutation, HasAnInverse) {
  for (std::uint64_t n = 1; n <= 300; ++n) expect_inverse(n, n);
  expect_inverse(65537, 1);
}

// A function with an inverse takes no value twice, and one that stays within its own finite range takes each.
TEST(Permutation, IsABijectionOfABillion) {
  const Permutation p(kBillion, 42);
  std::vector<std::uint64_t> sampled;
  for (std::uint64_t i = 0; i < kSample; ++i) {
    const std::uint64_t place = i % 2 == 0 ? i : kBillion - i, x = p(place);
    ASSERT_LT(x, kBillion);
    ASSERT_EQ(p.inverse(x), place);
    ASSERT_LT(p.inverse(place), kBillion);
    ASSERT_EQ(p(p.inverse(place)), place);
    sampled.push_back(x);
  }
  std::sort(sampled.begin(), sampled.end());
  EXPECT_EQ(std::adjacent_find(sampled.begin(), sampled.end()), sampled.end());
}

TEST(Permutation, SpreadsNeighbouringPlacesEvenly) {
  for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, random_key({7})}) {
    const auto x = images(Permutation(kBillion, key), 1);
    expect_chi_square(chi_square(x), 999, "values of the first places");
    expect_chi_square(chi_square(differences(x.data() + 1, x.data(), kSample - 1)), 999, "steps between neighbours");
    for (const std::size_t lag : {1, 2, 3, 64, 1024}) {
      EXPECT_LT(std::abs(correlation(x.data() + lag, x.data(), kSample - lag)), largest_error(1.001)) << "lag " << lag;
    }
  }
}

TEST(Permutation, ValuesDoNotFollowPlaces) {
  constexpr std::size_t kParts = 32;
  const auto x = images(Permutation(kBillion, 3), kStride);
  double chi = 0, displaced = 0;
  std::size_t fixed = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(part * kSample / kParts);
    chi += chi_square({first, first + kSample / kParts}, kParts);
  }
  for (std::size_t i = 0; i < kSample; ++i) {
    const double away = std::abs(x[i] - static_cast<double>(i * kStride));
    displaced += away / kBillion / kSample;
    fixed += away == 0 ? 1 : 0;
  }
  expect_chi_square(chi, kParts * (kParts - 1), "part of the places by part of the values");
  // The distance of two uniform numbers of [0, 1) has the mean 1/3 and the variance 1/18.
  EXPECT_NEAR(displaced, 1.0 / 3, largest_error(std::sqrt(1.0 / 18)));
  EXPECT_LE(fixed, 3U) << "0.002 are expected; Poisson: 4 or more with probability 7e-13";
}

TEST(Permutation, KeysGiveUnrelatedOrders) {
  const auto x = images(Permutation(kBillion, 0), kStride);
  for (const std::uint64_t key : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 63, random_key({0})}) {
    const auto y = images(Permutation(kBillion, key), kStride);
    EXPECT_LE(equal_places(x, y), 3U) << "key " << key;
    EXPECT_LT(std::abs(correlation(x.data(), y.data(), kSample)), largest_error(1)) << "key " << key;
    expect_chi_square(chi_square(differences(x.data(), y.data(), kSample)), 999, "steps between two orders");
  }
}

TEST(Permutation, AnElementGoesAnywhereOverTheKeys) {
  for (const std::uint64_t element : {std::uint64_t{0}, std::uint64_t{7}, kBillion - 1}) {
    std::vector<double> values(kSample);
    for (std::uint64_t key = 0; key < kSample; ++key) {
      values[key] = static_cast<double>(Permutation(kBillion, key)(element));
    }
    expect_chi_square(chi_square(values), 999, "of one element");
  }
}

// Small sizes have few bits to mix: each element of 16 over many keys.
TEST(Permutation, AnElementGoesAnywhereAtASmallSize) {
  for (const std::uint64_t element : {0ULL, 7ULL, 15ULL}) {
    std::vector<double> counts(16, 0);
    for (std::uint64_t key = 0; key < 16000; ++key) counts[Permutation(16, random_key({key}))(element)] += 1;
    double chi = 0;
    for (const double c : counts) chi += (c - 1000.0) * (c - 1000.0) / 1000.0;
    expect_chi_square(chi, 15, "of 16");
  }
}

}  // namespace
}  // namespace dime
