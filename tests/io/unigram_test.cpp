// SPDX-License-Identifier: Apache-2.0
#include "io/unigram.hpp"

#include <gmock/gmock.h>

#include "support/charsmap.hpp"
#include "support/spiece.hpp"

namespace dime::test {
namespace {

using detail::Unigram;
using testing::ElementsAre;

Unigram unigram(const TestSpiece& model) { return Unigram(detail::parse_spiece(model.bytes(), "test")); }

/// <unk> is 0, the pieces follow.
TestSpiece with(std::vector<TestPiece> pieces) {
  TestSpiece model;
  model.pieces = std::move(pieces);
  model.pieces.insert(model.pieces.begin(), {"<unk>", 0, 2});
  return model;
}

std::vector<std::string> split(const Unigram& model, std::string_view normalized) {
  std::vector<std::string> texts;
  for (const auto& piece : model.encode(normalized)) texts.emplace_back(piece.text);
  return texts;
}

std::vector<std::int32_t> tokens(const Unigram& model, std::string_view normalized) {
  std::vector<std::int32_t> found;
  for (const auto& piece : model.encode(normalized)) found.push_back(piece.token);
  return found;
}

TEST(Unigram, TakesTheLargestSum) {
  const Unigram model = unigram(with({{"a", -1}, {"b", -2}, {"ab", -2.5F}, {"abb", -6}, {"bb", -1.5F}}));
  EXPECT_THAT(split(model, "ab"), ElementsAre("ab"));
  EXPECT_THAT(split(model, "abb"), ElementsAre("a", "bb"));
  EXPECT_THAT(split(model, "bab"), ElementsAre("b", "ab"));
  EXPECT_THAT(split(model, ""), ElementsAre());
}

TEST(Unigram, OfTheSameSumTheFirstThatIsFoundStays) {
  const Unigram model = unigram(with({{"a", -1}, {"b", -2}, {"ab", -3}}));
  EXPECT_THAT(split(model, "ab"), ElementsAre("ab"));
}

/// The sum is compared before it is rounded to single precision: -0.1 - 0.2 is above what was stored of -0.3.
TEST(Unigram, SumsAreComparedInDoublePrecision) {
  const float sum = -0.1F - 0.2F;
  ASSERT_NE(static_cast<double>(sum), static_cast<double>(-0.1F) + static_cast<double>(-0.2F));
  const bool above = static_cast<double>(-0.1F) + static_cast<double>(-0.2F) > static_cast<double>(sum);
  const Unigram model = unigram(with({{"a", -0.1F}, {"b", -0.2F}, {"ab", sum}}));
  EXPECT_EQ(split(model, "ab").size(), above ? 2U : 1U);
}

TEST(Unigram, UnknownCharactersInARowAreOnePiece) {
  const Unigram model = unigram(with({{"a", -1}, {"bc", -1}}));
  EXPECT_THAT(split(model, "é猫abca"), ElementsAre("é猫", "a", "bc", "a"));
  EXPECT_THAT(tokens(model, "é猫abca"), ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(split(model, "b"), ElementsAre("b"));
  EXPECT_THAT(tokens(model, "b"), ElementsAre(0));
  EXPECT_THAT(split(model, "a\xE7\x8C"), ElementsAre("a", "\xE7\x8C")) << "no UTF-8";
}

TEST(Unigram, ARowOfUnknownCharactersMayBeAName) {
  const Unigram model = unigram(with({{"<s>", 0, 3}, {"a", -1}, {"xy", -1, 5}}));
  EXPECT_THAT(tokens(model, "a<s>"), ElementsAre(2, 1));
  EXPECT_THAT(tokens(model, "axy"), ElementsAre(2, 3)) << "an unused piece splits nothing, and has a name";
  EXPECT_THAT(tokens(model, "xya"), ElementsAre(3, 2));
  EXPECT_THAT(tokens(model, "xyza"), ElementsAre(0, 2));
}

TEST(Unigram, UserDefinedPiecesAreAlwaysTaken) {
  TestSpiece parts = with({{"a", -1}, {"b", -1}, {"ab", -0.5F}, {"Ab", -50, 4}});
  parts.normalizer += proto_bytes(2, charsmap({{"A", "a"}}));
  const Unigram model = unigram(parts);
  EXPECT_EQ(model.normalize("AbAaAb"), "▁AbaaAb") << "no rule changes them";
  EXPECT_THAT(split(model, "aAbb"), ElementsAre("a", "Ab", "b"));
}

TEST(Unigram, UnknownCharactersAsBytes) {
  TestSpiece parts = with({{"a", -1}});
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    parts.pieces.push_back({std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + '>', 0, 6});
  }
  parts.trainer += proto_integer(35, 1);
  const Unigram model = unigram(parts);
  EXPECT_THAT(tokens(model, "aé\na"), ElementsAre(1, 2 + 0xC3, 2 + 0xA9, 2 + 0x0A, 1));
}

struct Case {
  std::string fields, text, expected;
};

TEST(Unigram, NormalisesAsItsModelSays) {
  const std::string table = proto_bytes(2, charsmap({{"\t", " "}, {"\u3000", " "}, {"½", "1 2"}, {"\x01", ""}}));
  const std::string no_prefix = proto_integer(3, 0), keep = proto_integer(4, 0), plain = proto_integer(5, 0);
  const std::vector<Case> cases = {
      {"", "a  b ", "▁a▁b"},
      {"", "  ", ""},
      {"", "", ""},
      {"", "a\t b", "▁a\t▁b"},
      {table, " \u3000a\t b\u3000", "▁a▁b"},
      {table, "a ½½", "▁a▁1▁21▁2"},
      {table, "\x01", ""},
      {table, "a\x01 b", "▁a▁b"},
      {no_prefix, " a b", "a▁b"},
      {keep, " a  b ", "▁▁a▁▁b▁"},
      {keep, "", ""},
      {plain, "a b", " a b"},
  };
  for (const Case& c : cases) {
    TestSpiece parts = with({{"a", -1}});
    parts.normalizer += c.fields;
    EXPECT_EQ(unigram(parts).normalize(c.text), c.expected) << c.text;
  }
  TestSpiece parts = with({{"a", -1}});
  parts.trainer += proto_integer(24, 1);
  EXPECT_EQ(unigram(parts).normalize(" a b "), "a▁b▁") << "spaces behind words";
}

TEST(Unigram, FindsNames) {
  const Unigram model = unigram(with({{"<pad>", -1}, {"<pad>", 0, 3}, {"a", -1}}));
  EXPECT_EQ(model.find("<pad>"), 2) << "that which stands apart";
  EXPECT_EQ(model.find("a"), 3);
  EXPECT_EQ(model.find("b"), -1);
  EXPECT_EQ(model.size(), 4);
}

}  // namespace
}  // namespace dime::test
