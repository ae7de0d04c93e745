// SPDX-License-Identifier: Apache-2.0
#include "io/charsmap.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/charsmap.hpp"
#include "support/errors.hpp"

namespace dime::test {
namespace {

using detail::CharsMap;

TEST(CharsMap, TakesTheLongestRule) {
  const CharsMap map(charsmap({{"a", "x"}, {"abc", "long"}, {"\u3000", " "}, {"\xFF", ""}}));
  const auto longest = [&](std::string_view text) {
    const auto match = map.longest(text);
    return std::pair<std::size_t, std::string>(match.length, match.to);
  };
  using Found = std::pair<std::size_t, std::string>;
  EXPECT_EQ(longest("abcd"), Found(3, "long"));
  EXPECT_EQ(longest("abd"), Found(1, "x"));
  EXPECT_EQ(longest("a"), Found(1, "x"));
  EXPECT_EQ(longest("\u3000a"), Found(3, " "));
  EXPECT_EQ(longest("\xFF"), Found(1, ""));
  EXPECT_EQ(longest(""), Found());
  EXPECT_EQ(longest("b"), Found());
  EXPECT_EQ(longest("\u3001"), Found()) << "as \u3000 begins";
  EXPECT_EQ(longest(std::string_view("\0", 1)), Found());
}

TEST(CharsMap, NoBytesHaveNoRules) { EXPECT_EQ(CharsMap("").longest("a").length, 0U); }

/// A table whose root has the bits `root`, all other units `other`, and whose strings are `strings` and a zero.
std::string table(std::uint32_t root, std::uint32_t other, const std::string& strings) {
  std::string bytes;
  DoubleArray::append(bytes, 4 * 256);
  for (int i = 0; i < 256; ++i) DoubleArray::append(bytes, i == 0 ? root : other);
  return bytes + strings + '\0';
}

TEST(CharsMap, EachWayMustStayInside) {
  const auto problem = [](const std::string& bytes) { return error_text<DataError>([&] { CharsMap{bytes}; }); };
  const std::string refused = "its table of normalisation is damaged";
  constexpr std::uint32_t kNoChild = 0x80000000, kValue = 0x100;
  EXPECT_EQ(problem("abc"), refused) << "no size";
  EXPECT_EQ(problem(std::string("\0\0\0\0\0", 5)), refused) << "no trie";
  EXPECT_EQ(problem(std::string("\xFF\0\0\0abcd\0", 9)), refused) << "a trie that is too long";
  EXPECT_EQ(problem(std::string("\4\0\0\0abcd\0", 9)), refused) << "a root without room for children";
  EXPECT_EQ(problem(table(1U << 20, kNoChild, "x")), refused) << "a base outside";
  EXPECT_EQ(problem(table(0, kValue | 'a', "x")), refused) << "a value outside";
  std::string open = table(0, kNoChild, "x");
  open.back() = 'y';
  EXPECT_EQ(problem(open), refused) << "a string without an end";
  EXPECT_NO_THROW(CharsMap{table(0, kNoChild, "x")});
}

TEST(CharsMap, ACircleEndsWithTheText) {
  // Each unit is the child "a" of the root, and leads to it again; the value is the unit's own bits.
  const auto match = CharsMap(table(0, 'a', "x")).longest("aaa");
  EXPECT_EQ(match.length, 0U);
}

}  // namespace
}  // namespace dime::test
