// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dime/csv.hpp>
#include <dime/error.hpp>
#include <dime/random.hpp>

#include "support/errors.hpp"

namespace dime {
namespace {

using test::error_text;
using testing::ElementsAre;
using Fields = std::vector<std::string>;

constexpr CsvForm kComma{',', true};
constexpr CsvForm kTab{'\t', true};
constexpr CsvForm kBare{',', false};

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::vector<std::uint64_t> numbers_of(std::string_view text, const CsvForm& form = kComma, std::size_t block = 1000) {
  CsvScan scan(form);
  for (std::size_t at = 0; at < text.size(); at += block) scan.add(bytes_of(text.substr(at, block)));
  return scan.take_numbers();
}

/// Every row of a table: its fields, after the line that it begins in.
std::vector<Fields> table(std::string_view text, const CsvForm& form = kComma) {
  const auto numbers = numbers_of(text, form);
  const CsvRows rows(numbers, text.size());
  std::vector<Fields> all;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [begin, end] = rows.bytes(i);
    Fields fields = split_csv_row(text.substr(begin, end - begin), form);
    EXPECT_EQ(fields, split_csv_row(text.substr(begin), form)) << "row " << i << " ends elsewhere when split";
    fields.insert(fields.begin(), std::to_string(rows.line(i)));
    all.push_back(fields);
  }
  return all;
}

std::string split_error(std::string_view row) {
  return error_text<RowError>([&] { split_csv_row(row, kComma); });
}

TEST(Csv, TakesRowsApart) {
  EXPECT_THAT(table("a,b\n1,2\n3,4"), ElementsAre(Fields{"1", "a", "b"}, Fields{"2", "1", "2"}, Fields{"3", "3", "4"}));
  EXPECT_THAT(table("a,b\r\n1,2\r\n"), ElementsAre(Fields{"1", "a", "b"}, Fields{"2", "1", "2"}));
  EXPECT_THAT(table("a\tb, c\n", kTab), ElementsAre(Fields{"1", "a", "b, c"}));
  EXPECT_THAT(table(",\n,,"), ElementsAre(Fields{"1", "", ""}, Fields{"2", "", "", ""}));
  EXPECT_THAT(table("  a , b \n"), ElementsAre(Fields{"1", "  a ", " b "}));
  EXPECT_THAT(table("x\r"), ElementsAre(Fields{"1", "x"}));
  EXPECT_THAT(table("a\rb,c\n"), ElementsAre(Fields{"1", "a\rb", "c"}));
  EXPECT_THAT(table(""), ElementsAre());
}

TEST(Csv, FieldsInQuotes) {
  EXPECT_THAT(table("\"a, \"\"b\"\"\",c\n"), ElementsAre(Fields{"1", "a, \"b\"", "c"}));
  EXPECT_THAT(table("\"two\nlines\",x\r\n\"\",\"\"\r\n"),
              ElementsAre(Fields{"1", "two\nlines", "x"}, Fields{"3", "", ""}));
  EXPECT_THAT(table("\"\"\"\",\"a\r\n\"\r\n\"b\r\""), ElementsAre(Fields{"1", "\"", "a\r\n"}, Fields{"3", "b\r"}));
  EXPECT_THAT(table("a \"quoted\" word,6\" nails\n"), ElementsAre(Fields{"1", "a \"quoted\" word", "6\" nails"}));
  EXPECT_THAT(table(" \"a\"\n"), ElementsAre(Fields{"1", " \"a\""}));
}

TEST(Csv, QuotesAsCharacters) {
  EXPECT_THAT(table("\"a\n\"b\",\"\"\n", kBare), ElementsAre(Fields{"1", "\"a"}, Fields{"2", "\"b\"", "\"\""}));
}

TEST(Csv, PassesOverBlankLines) {
  EXPECT_THAT(table("\n\r\n  \na\n\n \t \nb\nc\n\n"),
              ElementsAre(Fields{"4", "a"}, Fields{"7", "b"}, Fields{"8", "c"}));
  EXPECT_THAT(table("a\tb\n\t\n \n", kTab), ElementsAre(Fields{"1", "a", "b"}, Fields{"2", "", ""}));
  EXPECT_THAT(table("a\n\"\"\n"), ElementsAre(Fields{"1", "a"}, Fields{"2", ""}));
  EXPECT_THAT(table("\n \r\n"), ElementsAre());
}

TEST(Csv, PassesOverAByteOrderMark) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_THAT(table(mark + "\"a\",b\nc\n"), ElementsAre(Fields{"1", "a", "b"}, Fields{"2", "c"}));
  EXPECT_THAT(table(mark + "\n" + mark + "a"), ElementsAre(Fields{"2", mark + "a"}));
  EXPECT_THAT(table(mark), ElementsAre());
  EXPECT_THAT(table("\xef\xbb"), ElementsAre(Fields{"1", "\xef\xbb"}));
  EXPECT_THAT(table("\xef\xbb\na"), ElementsAre(Fields{"1", "\xef\xbb"}, Fields{"2", "a"}));
  EXPECT_THAT(table("a" + mark), ElementsAre(Fields{"1", "a" + mark}));
}

TEST(Csv, FindsTheLineOfAnOpenQuote) {
  const auto open = [](std::string_view text, const CsvForm& form) {
    CsvScan scan(form);
    scan.add(bytes_of(text));
    return scan.open_quote();
  };
  EXPECT_EQ(open("a,b\n\n\"x\ny\",1\nc,\"d\ne,f\n", kComma), 5U);
  EXPECT_EQ(open("a,\"b\"\"", kComma), 1U);
  EXPECT_EQ(open("a,\"b\"", kComma), std::nullopt);
  EXPECT_EQ(open("a,\"b", kBare), std::nullopt);
  EXPECT_EQ(open("", kComma), std::nullopt);
}

TEST(Csv, RefusesRowsThatAreNotWellFormed) {
  EXPECT_EQ(split_error("a,\"b\" c,d\n"),
            "column 1 (counted from 0) goes on after its closing quote: within a field in quotes, every quote must be "
            "doubled");
  EXPECT_EQ(split_error("\"a\"\r,b\n"),
            "column 0 (counted from 0) goes on after its closing quote: within a field in quotes, every quote must be "
            "doubled");
  EXPECT_EQ(split_error("a,b,\"c\n"), "the quote of column 2 (counted from 0) is never closed");
}

TEST(Csv, BlocksOfAnySizeGiveTheSame) {
  CounterRandom random(7);
  constexpr std::string_view alphabet = "a\",\n\r \xef\xbb\xbf";
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (auto n = random.below(24); n > 0; --n) text.push_back(alphabet[random.below(alphabet.size())]);
    const auto whole = numbers_of(text);
    ASSERT_EQ(whole, numbers_of(text, kComma, 1)) << text;
    ASSERT_EQ(whole, numbers_of(text, kComma, 5)) << text;
  }
}

TEST(Csv, TakesEightBytesARow) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "image,caption\n";
  EXPECT_EQ(numbers_of(text).size(), 1001U);
  EXPECT_EQ(numbers_of(text + "\n" + text).size(), 2003U);
}

TEST(Csv, ChecksNumbersFromElsewhere) {
  const auto refusal = [](const std::vector<std::uint64_t>& numbers) {
    return error_text<DataError>([&] {
      const CsvRows rows(numbers, 10);
      for (std::size_t i = 0; i < rows.size(); ++i) rows.bytes(i);
    });
  };
  EXPECT_EQ(refusal({}), "the numbers of the rows are damaged");
  EXPECT_EQ(refusal({2, 0}), "the numbers of the rows are damaged");
  EXPECT_EQ(refusal({~std::uint64_t{0}, 0}), "the numbers of the rows are damaged");
  EXPECT_EQ(refusal({1, 0, 4}), "the numbers of the rows are damaged");
  EXPECT_EQ(refusal({2, 5, 3}), "the place of row 0 is no part of the 10 bytes of the table");
  EXPECT_EQ(refusal({2, 0, 11}), "the place of row 0 is no part of the 10 bytes of the table");
  EXPECT_EQ(refusal({1, 10}), "the place of row 0 is no part of the 10 bytes of the table");
}

}  // namespace
}  // namespace dime
