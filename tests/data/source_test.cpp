// SPDX-License-Identifier: Apache-2.0
#include "data/source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "support/errors.hpp"

namespace dime {
namespace {

/// Rows of keys; a key "!" is a broken row.
class Keys final : public Dataset {
 public:
  Keys(std::vector<std::string> keys, bool vectors) : keys_(std::move(keys)), vectors_(vectors) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(keys_.size()); }
  DatasetInfo info() const override { return {.text = !vectors_, .vector_width = vectors_ ? 2 : 0}; }
  Row get(std::int64_t i) const override {
    Row row;
    row.key = keys_[static_cast<std::size_t>(i)];
    if (row.key == "!") throw RowError("broken");
    if (vectors_) row.vector = {1, static_cast<float>(i)};
    return row;
  }

 private:
  std::vector<std::string> keys_;
  bool vectors_;
};

JoinedRows joined(std::vector<std::string> content, std::vector<std::string> vectors, RowParts parts = {}) {
  return {"data.texts", std::make_shared<Keys>(std::move(content), false),
          std::make_shared<Keys>(std::move(vectors), true), parts};
}

TEST(JoinedRows, KeysOfOneKindMustAgree) {
  const auto rows = joined({"!", "a", "b"}, {"x", "a", "c"});
  EXPECT_FALSE(rows.keys_differ());
  EXPECT_EQ(rows.get(1).vector[1], 1);
  EXPECT_EQ(test::error_text<RowError>([&] { rows.get(2); }),
            "row 2 b: its features (row 2 c) have another key: extract the features again");
}

TEST(JoinedRows, KeysOfTwoKindsGoByOrder) {
  const auto rows = joined({"a", "b"}, {"0", "1"});
  EXPECT_TRUE(rows.keys_differ());
  EXPECT_EQ(rows.get(1).key, "b");
  EXPECT_EQ(rows.get(1).vector[1], 1);
}

TEST(JoinedRows, RowsWithoutKeysSayNothing) {
  EXPECT_FALSE(joined({"a", "b"}, {"", ""}).keys_differ());
  EXPECT_FALSE(joined({"a"}, {"0"}, {false, true}).keys_differ()) << "the content is not read";
}

TEST(JoinedRows, FeaturesOfAnotherRowAreRefused) {
  const auto refusal = [](const std::vector<std::string>& content, const std::vector<std::string>& vectors) {
    return test::error_text<DataError>([&] { joined(content, vectors); });
  };
  EXPECT_EQ(refusal({"i0", "i1", "i2"}, {"i1", "i2", "i3"}),
            "data.texts: features do not belong to the source row by row: their row 0 has the key \"i1\", which is row "
            "1 of the source; extract the features again");
  std::vector<std::string> content(60, "!"), vectors(60, "!");
  content.insert(content.end(), {"a", "b\n"});
  vectors.insert(vectors.end(), {"b\n", "a"});
  EXPECT_EQ(
      refusal(content, vectors),
      "data.texts: features do not belong to the source row by row: their row 60 has the key \"b\\x0A\", which is "
      "row 61 of the source; extract the features again");
  EXPECT_EQ(
      refusal({"104", "105"}, {"105", "106"}),
      "data.texts: features do not belong to the source row by row: their row 0 has the key \"105\", which is row "
      "1 of the source; extract the features again");
}

TEST(JoinedRows, RowNumbersAreNoNames) {
  EXPECT_TRUE(joined({"2", "7", "0"}, {"0", "1", "2"}).keys_differ());
  EXPECT_TRUE(joined({"1", "2", "3"}, {"0", "1", "2"}).keys_differ());
}

TEST(JoinedRows, VectorsThatCannotBeComparedAreBrokenRows) {
  class Vectors final : public Dataset {
   public:
    explicit Vectors(std::vector<float> vector) : vector_(std::move(vector)) {}
    std::int64_t size() const override { return 1; }
    DatasetInfo info() const override { return {.vector_width = 2}; }
    Row get(std::int64_t) const override {
      Row row;
      row.vector = vector_;
      return row;
    }

   private:
    std::vector<float> vector_;
  };
  const auto refusal = [](std::vector<float> vector) {
    const JoinedRows rows("data.texts", nullptr, std::make_shared<Vectors>(std::move(vector)), {});
    return test::error_text<RowError>([&] { rows.get(0); });
  };
  EXPECT_EQ(refusal({1, HUGE_VALF}), "row 0: number 1 of the vector is not finite");
  EXPECT_EQ(refusal({}), "row 0: the vector is empty");
  EXPECT_EQ(refusal({0, 0}), "row 0: the vector is all zeros");
  EXPECT_EQ(refusal({3e38F, 3e38F}), "row 0: the vector's norm is not finite");
  EXPECT_EQ(refusal({1e-30F, 1e-30F}), "row 0: the vector's norm is too small for float32");
}

/// One row whose source tells its place.
class Placed final : public Dataset {
 public:
  explicit Placed(std::string place) : place_(std::move(place)) {}
  std::int64_t size() const override { return 14; }
  DatasetInfo info() const override { return {}; }
  Row get(std::int64_t) const override { return {}; }
  std::string where(std::int64_t) const override {
    if (place_.empty()) throw std::runtime_error("no place");
    return place_;
  }

 private:
  std::string place_;
};

TEST(RowName, IsThePlaceAndTheKeyOnce) {
  EXPECT_EQ(row_name(Placed("a.tsv:3"), 3, "k"), "a.tsv:3 k");
  EXPECT_EQ(row_name(Placed("a.tsv:3 k"), 3, "k"), "a.tsv:3 k");
  EXPECT_EQ(row_name(Placed("root/cat/x.png"), 3, "cat/x.png"), "root/cat/x.png");
  EXPECT_EQ(row_name(Placed("row 13"), 13, "3"), "row 13 3");
  EXPECT_EQ(row_name(Placed("two\nlines"), 3, "\x1b"), "two\\x0Alines \\x1B");
  EXPECT_EQ(row_name(Placed(""), 3, "k"), "row 3 k") << "a source that cannot tell";
  EXPECT_EQ(RowSpan("data.texts", std::make_shared<Placed>("a.tsv:3"), 3, 4).where(0), "a.tsv:3");
}

TEST(JoinedRows, SizesMustAgree) {
  EXPECT_EQ(test::error_text<DataError>([] {
              joined({"a"}, {"a", "b"});
            }),
            "data.texts: its features have 2 rows, its source has 1; they must correspond row by row: extract the "
            "features again, or remove a .lineidx that does not fit its shard");
  const auto part =
      std::make_shared<RowSpan>("data.texts", std::make_shared<Keys>(std::vector<std::string>{"a", "b"}, false), 0, 1);
  const auto whole = std::make_shared<Keys>(std::vector<std::string>{"a", "b"}, true);
  EXPECT_EQ(
      test::error_text<DataError>([&] { JoinedRows("data.texts", part, whole, {}); }),
      "data.texts: its features have 2 rows, its source has 1 with its `rows`; they must correspond row by row: "
      "extract the features again, or remove a .lineidx that does not fit its shard, or take `rows` out (features "
      "then hold a row for each row of that part)");
}

}  // namespace
}  // namespace dime
