// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

class Subset : public test::DatasetTest {
 protected:
  Subset() : DatasetTest("subset") { write_lines(100); }

  /// The source: "text 0" to "text N-1", in lines 1 to N.
  void write_lines(int n) const {
    std::string text;
    for (int i = 0; i < n; ++i) text += "text " + std::to_string(i) + "\n";
    folder_.write("s.txt", text);
  }

  /// The subset's options over text_lines.
  Value part(const test::Options& options) const {
    Value value = test::options(options);
    value.set("of", test::options({{"type", "text_lines"}, {"file", path("s.txt")}}));
    return value;
  }

  /// The options for a file of row numbers.
  Value listed(const std::string& content) const {
    return part({{"rows", folder_.write("rows.txt", content).string()}});
  }

  std::vector<std::string> texts(const Value& options) const {
    const auto data = make(options);
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < data->size(); ++i) all.push_back(data->get(i).texts.at(0));
    return all;
  }

  std::string config_error(const Value& options) const {
    return test::error_text<ConfigError>([&] { make(options); });
  }
};

/// The numbers of texts "text N".
std::vector<int> numbers_of(const std::vector<std::string>& texts) {
  std::vector<int> numbers;
  for (const auto& text : texts) numbers.push_back(std::stoi(text.substr(5)));
  return numbers;
}

TEST_F(Subset, ListedRowsInTheirOrder) {
  const auto data = make(listed("7\n\n  \n0 \r\n99"));
  ASSERT_EQ(data->size(), 3);
  EXPECT_THAT(data->get(0).texts, ElementsAre("text 7"));
  EXPECT_THAT(data->get(1).texts, ElementsAre("text 0"));
  EXPECT_THAT(data->get(2).texts, ElementsAre("text 99"));
  EXPECT_EQ(data->get(0).key, "8");
  EXPECT_EQ(data->where(0), "s.txt:8");
  EXPECT_TRUE(data->info().text);
  EXPECT_FALSE(data->info().image);
}

TEST_F(Subset, AListOfManyBlocks) {
  constexpr int rows = 30000;
  write_lines(rows);
  std::string list;
  for (int i = rows - 1; i >= 0; --i) list += std::to_string(i) + "\n";
  ASSERT_GT(list.size(), 2U << 16);
  const auto data = make(listed(list));
  ASSERT_EQ(data->size(), rows);
  for (std::int64_t i = 0; i < rows; ++i) ASSERT_EQ(data->get(i).key, std::to_string(rows - i));
}

TEST_F(Subset, TheFirstRows) {
  EXPECT_THAT(texts(part({{"first", "2"}})), ElementsAre("text 0", "text 1"));
  EXPECT_EQ(make(part({{"first", "100"}}))->size(), 100);
}

TEST_F(Subset, AFractionKeepsTheOrder) {
  const auto rows = numbers_of(texts(part({{"fraction", "0.29"}})));
  EXPECT_EQ(rows.size(), 29U);  // and not 28, by way of 28.999999999999996
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end()) << "a row stands twice";
  EXPECT_GT(rows.back(), 50) << "the rows are the first ones, not drawn";
  EXPECT_EQ(make(part({{"fraction", "0.019"}}))->size(), 1);
  EXPECT_EQ(make(part({{"fraction", "0.0001"}}))->size(), 1);
  EXPECT_EQ(make(part({{"fraction", "0.999"}}))->size(), 99);
  EXPECT_EQ(make(part({{"fraction", "1"}}))->size(), 100);
}

TEST_F(Subset, ASmallerFractionIsAPartOfALargerOne) {
  for (const std::string seed : {"0", "1", "-5"}) {
    std::vector<int> larger = numbers_of(texts(part({{"fraction", "1"}, {"seed", seed}})));
    for (const std::string fraction : {"0.8", "0.5", "0.1", "0.01"}) {
      const auto rows = numbers_of(texts(part({{"fraction", fraction}, {"seed", seed}})));
      EXPECT_LT(rows.size(), larger.size());
      EXPECT_TRUE(std::includes(larger.begin(), larger.end(), rows.begin(), rows.end())) << fraction;
      larger = rows;
    }
  }
}

TEST_F(Subset, TheSeedDrawsTheRows) {
  const auto rows = [&](const std::string& seed) { return texts(part({{"fraction", "0.5"}, {"seed", seed}})); };
  EXPECT_EQ(rows("0"), texts(part({{"fraction", "0.5"}})));
  EXPECT_EQ(rows("3"), rows("3"));
  EXPECT_NE(rows("0"), rows("1"));
}

TEST_F(Subset, OfASubset) {
  Value value = test::options({{"first", "2"}});
  Value inner = listed("5\n6\n7\n");
  inner.set("type", Value::scalar("subset"));
  value.set("of", inner);
  EXPECT_THAT(texts(value), ElementsAre("text 5", "text 6"));
}

TEST_F(Subset, WhatTheSourceSaysOfARowGoesThrough) {
  folder_.write("s.txt", "good\ncaf\xe9\n");
  const auto data = make(listed("1\n"));
  EXPECT_EQ(row_error(*data, 0), "[dataset/text_lines] s.txt:2: the text is not UTF-8 at byte 3");
  EXPECT_EQ(data->where(0), "s.txt:2");
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(1); }),
            "[dataset/subset] there is no row 1: the rows are 0 to 0");
}

TEST_F(Subset, TakesExactlyOneOfThem) {
  EXPECT_EQ(config_error(part({})), "[dataset/subset] needs one of rows, fraction and first");
  EXPECT_EQ(config_error(part({{"seed", "1"}})), "[dataset/subset] needs one of rows, fraction and first");
  EXPECT_EQ(config_error(part({{"fraction", "0.5"}, {"first", "1"}})),
            "[dataset/subset] takes one of rows, fraction and first, got fraction and first");
  EXPECT_EQ(config_error(part({{"rows", "r"}, {"fraction", "0.5"}, {"first", "1"}})),
            "[dataset/subset] takes one of rows, fraction and first, got rows and fraction and first");
}

TEST_F(Subset, RefusesNumbersOutOfRange) {
  const std::string option = "[dataset/subset] option ";
  EXPECT_EQ(config_error(part({{"fraction", "0"}})), "[dataset/subset] fraction must be above 0, got 0");
  EXPECT_EQ(config_error(part({{"fraction", "1.5"}})),
            option + "\"fraction\" of dataset \"subset\" must be between 0 and 1, got 1.5");
  EXPECT_EQ(config_error(part({{"first", "0"}})), option + "\"first\" of dataset \"subset\" must be >= 1, got 0");
  EXPECT_EQ(source_error(part({{"first", "101"}})),
            "[dataset/subset] first: there are no 101 rows, the source has 100");
}

TEST_F(Subset, NamesTheLineThatIsWrong) {
  EXPECT_EQ(source_error(listed("3\n\n100\n")),
            "[dataset/subset] rows.txt:3: there is no row 100: the source has the rows 0 to 99");
  EXPECT_EQ(source_error(listed("99999999999999999999\n")),
            "[dataset/subset] rows.txt:1: there is no row 99999999999999999999: the source has the rows 0 to 99");
  for (const std::string text : {"-1", "+1", "1.0", "7 8", "row"}) {
    EXPECT_EQ(source_error(listed("3\n" + text)), "[dataset/subset] rows.txt:2: \"" + text + "\" is no row number");
  }
  EXPECT_EQ(source_error(listed("3\n4\n03\n")), "[dataset/subset] rows.txt:3: row 03 is listed twice");
  EXPECT_EQ(source_error(listed("3\n" + std::string(257, ' ') + "4")),
            "[dataset/subset] rows.txt:2: the line is too long for a row number");
}

TEST_F(Subset, RefusesAListThatCannotBeUsed) {
  const std::string no_row = "[dataset/subset] rows.txt lists no row; put one row number on each line, from 0";
  EXPECT_EQ(source_error(listed("")), no_row);
  EXPECT_EQ(source_error(listed("\n \n")), no_row);
  EXPECT_EQ(source_error(part({{"rows", path("none.txt")}})),
            "[dataset/subset] cannot open none.txt: No such file or directory");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(source_error(part({{"rows", path("pipe")}})), "[dataset/subset] cannot read pipe: it is no regular file");
}

TEST_F(Subset, NamesTheSourceThatCannotBeMade) {
  Value value = part({{"first", "1"}});
  value.set("of", test::options({{"type", "text_lines"}, {"file", path("none.txt")}}));
  EXPECT_EQ(source_error(value), "[dataset/text_lines] cannot open none.txt: No such file or directory");
  EXPECT_EQ(config_error(test::options({{"first", "1"}})),
            "[dataset/subset] dataset \"subset\" needs option \"of\" (The source.)");
}

}  // namespace
}  // namespace dime
