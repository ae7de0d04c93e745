// SPDX-License-Identifier: Apache-2.0
#include "weights/wildcard.hpp"

#include <gtest/gtest.h>

namespace dime {
namespace {

TEST(FitsPattern, AStarIsAnyRun) {
  EXPECT_TRUE(fits_pattern("visual.proj", "visual.proj"));
  EXPECT_FALSE(fits_pattern("visual.proj", "visual.projection"));
  EXPECT_FALSE(fits_pattern("proj", "visual.proj"));
  EXPECT_TRUE(fits_pattern("*", "visual.proj"));
  EXPECT_TRUE(fits_pattern("*", ""));
  EXPECT_TRUE(fits_pattern("visual.*", "visual."));
  EXPECT_TRUE(fits_pattern("visual.*.0.*.weight", "visual.transformer.resblocks.0.ln_1.weight"));
  EXPECT_FALSE(fits_pattern("visual.*.0.*.weight", "visual.transformer.resblocks.10.ln_1.weight"));
  EXPECT_TRUE(fits_pattern("*aab", "aaaab"));
  EXPECT_TRUE(fits_pattern("a**b*", "ab"));
  EXPECT_FALSE(fits_pattern("", "a"));
  EXPECT_FALSE(fits_pattern("a.b", "axb")) << "a dot is a dot";
}

TEST(BeginsWithPattern, APrefixOrAStarWithin) {
  EXPECT_TRUE(begins_with_pattern("visual.", "visual.proj"));
  EXPECT_TRUE(begins_with_pattern("*.weight", "visual.ln.weight"));
  EXPECT_TRUE(begins_with_pattern("a*b", "axxbc"));
  EXPECT_FALSE(begins_with_pattern("proj", "visual.proj"));
  EXPECT_FALSE(begins_with_pattern("a*d", "axxbc"));
}

}  // namespace
}  // namespace dime
