// SPDX-License-Identifier: Apache-2.0
#include "data/source.hpp"

#include <gtest/gtest.h>

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
            "row 2: the source's key is \"b\", the features' is \"c\": extract the features again");
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

TEST(JoinedRows, SizesMustAgree) {
  EXPECT_EQ(test::error_text<DataError>([] {
              joined({"a"}, {"a", "b"});
            }),
            "data.texts: its features have 2 rows, its source has 1; they must correspond row by row: extract the "
            "features again, or remove a .lineidx that does not fit its shard");
}

}  // namespace
}  // namespace dime
