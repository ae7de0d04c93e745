// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <dime/printable.hpp>
#include <dime/value.hpp>

namespace dime {
namespace {

TEST(Printable, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(printable("a b\t\"c\""), "a b\\x09\"c\"");
  EXPECT_EQ(printable(std::string_view("\0\n\x1B[31m\x7F", 8)), "\\x00\\x0A\\x1B[31m\\x7F");
  EXPECT_EQ(printable("Füße…"), "Füße…");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, LongTextIsCutAtAWholeCharacter) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef…");
  EXPECT_EQ(printable("abcdeü", 6), "abcde…");
  EXPECT_EQ(printable("üü", 1), "…");
  EXPECT_EQ(printable(std::string(1 << 20, 'x')), std::string(200, 'x') + "…");
}

TEST(Printable, InQuotes) {
  EXPECT_EQ(in_quotes("a\nb"), "\"a\\x0Ab\"");
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
}

}  // namespace
}  // namespace dime
