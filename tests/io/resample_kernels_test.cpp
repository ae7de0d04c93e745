// SPDX-License-Identifier: Apache-2.0
// Every set of kernels gives the bytes of the portable one.
#include "io/resample_kernels.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <dime/random.hpp>

#include "io/pixel_buffer.hpp"

namespace dime::detail {
namespace {

using Named = std::pair<std::string, const ResampleKernels*>;

std::vector<Named> fast_kernels() {
  std::vector<Named> all;
  for (const auto& [name, kernels] : {Named{"AVX2", &avx2_kernels()}, Named{"AVX-512", &avx512_kernels()}}) {
    if (kernels != &portable_kernels()) all.emplace_back(name, kernels);
  }
  return all;
}

PixelBuffer noise(int height, int width, std::uint64_t key) {
  PixelBuffer pixels;
  pixels.shape({0, 0, height, width});
  CounterRandom random(key);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * 3; ++x) {
      // Extremes overflow what is rounded or saturated too early.
      const std::uint64_t bits = random.bits();
      pixels.row(y)[x] = static_cast<std::uint8_t>(bits & 1 ? bits >> 8 : bits & 2 ? 255 : 0);
    }
  }
  return pixels;
}

std::vector<std::uint8_t> bytes_of(const PixelBuffer& pixels) {
  std::vector<std::uint8_t> all;
  for (int y = 0; y < pixels.box().height; ++y) {
    all.insert(all.end(), pixels.row(y), pixels.row(y) + static_cast<std::ptrdiff_t>(pixels.box().width) * 3);
  }
  return all;
}

struct Case {
  int input;
  int output;
  Filter filter;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  CounterRandom random(3);
  const auto side = [&](std::uint64_t most) { return static_cast<int>(1 + random.below(most)); };
  for (int i = 0; i < 150; ++i) all.push_back({side(400), side(260), i % 2 ? Filter::bicubic : Filter::bilinear});
  for (int i = 0; i < 20; ++i) all.push_back({side(3000), side(40), i % 2 ? Filter::bicubic : Filter::bilinear});
  all.push_back({1, 224, Filter::bicubic});
  all.push_back({20000, 3, Filter::bicubic});
  return all;
}

std::vector<std::uint8_t> run(const ResampleKernels& kernels, const Case& c, bool columns) {
  AxisWeights axis = axis_weights(c.input, c.output, c.filter);
  kernels.pack(axis);
  const int from = c.output / 5, to = c.output - c.output / 7;
  const auto [first, last] = axis_support(c.input, c.output, c.filter, from, to);
  const int other = 1 + c.input % 7;
  PixelBuffer out;
  if (columns) {
    const PixelBuffer in = noise(other, last - first, 5);
    out.shape({0, 0, other, to - from});
    kernels.columns({in.row(0), in.stride()}, other, first, axis, from, to, {out.row(0), out.stride()});
  } else {
    const PixelBuffer in = noise(last - first, other * 9, 6);
    out.shape({0, 0, to - from, other * 9});
    kernels.rows({in.row(0), in.stride()}, first, static_cast<std::size_t>(other) * 27, axis, from, to,
                 {out.row(0), out.stride()});
  }
  return bytes_of(out);
}

TEST(ResampleKernels, ColumnsEqualThePortableOnes) {
  for (const auto& [name, kernels] : fast_kernels()) {
    for (const Case& c : cases()) {
      ASSERT_EQ(run(*kernels, c, true), run(portable_kernels(), c, true)) << name << " " << c.input << " " << c.output;
    }
  }
}

TEST(ResampleKernels, RowsEqualThePortableOnes) {
  for (const auto& [name, kernels] : fast_kernels()) {
    for (const Case& c : cases()) {
      ASSERT_EQ(run(*kernels, c, false), run(portable_kernels(), c, false))
          << name << " " << c.input << " " << c.output;
    }
  }
}

// Rows of whole cache lines may be written another way.
TEST(ResampleKernels, NumbersInWholeLinesEqualThePortableOnes) {
  constexpr int width = 48;
  ChannelScales scales;
  for (std::size_t c = 0; c < 3; ++c) scales[c] = channel_scale(0.4F + 0.01F * static_cast<float>(c), 0.23F);
  const PixelBuffer in = noise(1, width, 9);
  for (const auto& [name, kernels] : fast_kernels()) {
    for (const bool mirrored : {false, true}) {
      alignas(64) std::array<float, 3 * width> fast{}, plain{};
      kernels->normalize(in.row(0), width, mirrored, scales, {&fast[0], &fast[width], &fast[2 * width]});
      kernels->settle();
      portable_kernels().normalize(in.row(0), width, mirrored, scales, {&plain[0], &plain[width], &plain[2 * width]});
      EXPECT_EQ(fast, plain) << name;
    }
  }
}

std::vector<float> numbers(const ResampleKernels& kernels, int width, bool mirrored) {
  ChannelScales scales;
  for (std::size_t c = 0; c < 3; ++c) scales[c] = channel_scale(0.4F + 0.01F * static_cast<float>(c), 0.23F);
  scales[1].multiplies = false;
  std::vector<float> out(static_cast<std::size_t>(width) * 3);
  const PixelBuffer in = noise(1, width, 9);
  kernels.normalize(in.row(0), width, mirrored, scales,
                    {&out[0], &out[static_cast<std::size_t>(width)], &out[2 * static_cast<std::size_t>(width)]});
  return out;
}

TEST(ResampleKernels, NumbersEqualThePortableOnes) {
  for (const auto& [name, kernels] : fast_kernels()) {
    for (int width = 1; width < 70; ++width) {
      for (const bool mirrored : {false, true}) {
        ASSERT_EQ(numbers(*kernels, width, mirrored), numbers(portable_kernels(), width, mirrored)) << name << width;
      }
    }
  }
}

TEST(ChannelScale, MultipliesOnlyWhereEveryByteStaysTheSame) {
  int multiplies = 0;
  CounterRandom random(1);
  for (int i = 0; i < 500; ++i) {
    const auto mean = static_cast<float>(random.uniform(-1, 1)), std = static_cast<float>(random.uniform(0.01, 2));
    multiplies += channel_scale(mean, std).multiplies;
  }
  EXPECT_GT(multiplies, 400);
}

}  // namespace
}  // namespace dime::detail
