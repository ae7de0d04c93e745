// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/files.hpp"

namespace dime {
namespace {

TEST(Mark, Text) {
  EXPECT_EQ((Mark{test::origin(), 3, 5}).text(), "f.yaml:3:5");
  EXPECT_EQ((Mark{test::origin(), 0, 5}).text(), "f.yaml");
  EXPECT_EQ(Mark{}.text(), "(default)");
}

TEST(Value, MapsKeepTheOrderOfTheFile) {
  Value v;
  v.set("b", Value::scalar("1"));
  v.set("a", Value::scalar("2"));
  v.set("b", Value::scalar("3"));
  ASSERT_TRUE(v.is_map());
  ASSERT_EQ(v.entries().size(), 2u);
  EXPECT_EQ(v.entries()[0].key, "b");
  EXPECT_EQ(v.entries()[0].value.text(), "3");
  EXPECT_EQ(v.find("c"), nullptr);
  EXPECT_EQ(v.without({"b"}).entries()[0].key, "a");
  EXPECT_NE(v.find("b"), nullptr);
  v.erase("b");
  EXPECT_EQ(v.find("b"), nullptr);
}

TEST(Value, Describe) {
  EXPECT_EQ(Value().describe(), "nothing");
  EXPECT_EQ(Value::list({}).describe(), "a list");
  EXPECT_EQ(Value::map({}).describe(), "a map");
  EXPECT_EQ(Value::scalar("x").describe(), "\"x\"");
  EXPECT_EQ(Value::scalar("x\ny\x1B" + std::string(100, 'z')).describe(),
            "\"x\\x0Ay\\x1B" + std::string(56, 'z') + "…\"");
}

}  // namespace
}  // namespace dime
