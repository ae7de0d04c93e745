// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <stdlib.h>

#include "config/files.hpp"

namespace dime {
namespace {

using test::yaml;

Value interpolated(const std::string& text) {
  Value v = yaml(text);
  interpolate(v);
  return v;
}

std::string error(const std::string& text) {
  return test::error_text<ConfigError>([&] { interpolated(text); });
}

TEST(Interpolate, Environment) {
  ::setenv("DIME_TEST_A", "12", 1);
  ::setenv("DIME_TEST_TRICKY", "${b}", 1);
  ::setenv("DIME_TEST_EMPTY", "", 1);
  const Value v = interpolated(
      "{a: '${env:DIME_TEST_A}', b: 'x${env:DIME_TEST_A}y', c: '${env:DIME_TEST_TRICKY}', d: "
      "'${env:DIME_TEST_EMPTY}',\n"
      " e: '${c}'}");
  EXPECT_EQ(v.find("a")->text(), "12");
  EXPECT_FALSE(v.find("a")->quoted());
  EXPECT_EQ(v.find("a")->mark().text(), "f.yaml:1:5");
  EXPECT_EQ(v.find("b")->text(), "x12y");
  EXPECT_EQ(v.find("c")->text(), "${b}");
  EXPECT_TRUE(v.find("d")->quoted());
  EXPECT_EQ(v.find("e")->text(), "${b}");
  EXPECT_EQ(error("a:\n  - \"${env:DIME_TEST_UNSET}/x\""),
            "f.yaml:2:5: the environment variable \"DIME_TEST_UNSET\" is not set; set it or write the value here");
  EXPECT_EQ(error("a: \"${env:}\""),
            "f.yaml:1:4: the environment variable \"\" is not set; set it or write the value here");
}

TEST(Interpolate, OtherKeys) {
  const Value v = interpolated(
      "{n: 3, whole: '${n}', part: 'v${n}-${deep.list.1}', deep: {list: [a, '${n}']}, copy: '${deep}', far: "
      "'${copy.list.1}'}");
  EXPECT_EQ(v.find("whole")->text(), "3");
  EXPECT_FALSE(v.find("whole")->quoted());
  EXPECT_EQ(v.find("whole")->mark().text(), "f.yaml:1:5");
  EXPECT_EQ(v.find("part")->text(), "v3-3");
  EXPECT_EQ(v.find("copy")->find("list")->items()[1].text(), "3");
  EXPECT_EQ(v.find("far")->text(), "3");
}

TEST(Interpolate, Escapes) {
  const Value v = interpolated("{a: '$${x}', b: '$${env:Y} $$ $', c: '$$${n}'}");
  EXPECT_EQ(v.find("a")->text(), "${x}");
  EXPECT_EQ(v.find("b")->text(), "${env:Y} $$ $");
  EXPECT_EQ(v.find("c")->text(), "$${n}");
}

TEST(Interpolate, Mistakes) {
  EXPECT_EQ(error("data: {root: x}\na: ${data.rot}"),
            "f.yaml:2:4: \"${data.rot}\" names nothing: there is no \"rot\" (did you mean \"root\"?)");
  EXPECT_EQ(error("a: ${}"), "f.yaml:1:4: \"${}\" names nothing: there is no \"\"");
  EXPECT_EQ(error("l: [1]\na: ${l.1}"), "f.yaml:2:4: \"${l.1}\" names nothing: there is no \"1\"");
  EXPECT_EQ(error("a: x${b"), "f.yaml:1:4: \"x${b\" has ${ without }; write $${ for a plain ${");
  EXPECT_EQ(error("a: \"x\\n${b\""), "f.yaml:1:4: \"x\\x0A${b\" has ${ without }; write $${ for a plain ${");
  EXPECT_EQ(
      error("a: ${" + std::string(100, 'b') + "}"),
      "f.yaml:1:4: \"${" + std::string(58, 'b') + "…\" names nothing: there is no \"" + std::string(60, 'b') + "…\"");
  EXPECT_EQ(error("m: {k: 1}\na: x${m}"),
            "f.yaml:2:4: \"${m}\" stands for a map; inside a string only a scalar can stand");
  EXPECT_EQ(error("m: null\na: ${m}"), "f.yaml:2:4: \"${m}\" names a value that is empty");
}

TEST(Interpolate, Circles) {
  EXPECT_EQ(error("a: ${a}"), "f.yaml:1:4: \"${a}\" goes in a circle");
  EXPECT_EQ(error("a: ${b}\nb: x${a}"), "f.yaml:1:4: \"${b}\" goes in a circle\nf.yaml:2:4: \"${a}\" goes in a circle");
  EXPECT_EQ(error("a: {b: '${a}'}"), "f.yaml:1:8: \"${a}\" goes in a circle");
  EXPECT_EQ(error("a: ${a.b}"), "f.yaml:1:4: \"${a.b}\" goes in a circle");
}

TEST(Interpolate, AllMistakesAreListed) {
  EXPECT_EQ(
      error("a: ${x}\nb: ok\nc: ${y}"),
      "f.yaml:1:4: \"${x}\" names nothing: there is no \"x\"\nf.yaml:3:4: \"${y}\" names nothing: there is no \"y\"");
}

TEST(Interpolate, GrowthIsBounded) {
  std::string text = "a0: xxxxxxxxxx\n", maps = "a0: [x, x, x, x, x, x, x, x, x, x]\n", chain = "a0: 1\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "${a" + std::to_string(i - 1) + "}", key = "a" + std::to_string(i) + ": ";
    text += key + last + last + "\n";
    maps += key + "['" + last + "', '" + last + "']\n";
  }
  for (int i = 1; i < 300; ++i) chain = "a" + std::to_string(i) + ": ${a" + std::to_string(i - 1) + "}\n" + chain;
  EXPECT_THAT(error(text), testing::HasSubstr(": the text is longer than 1 MiB once every ${…} is replaced"));
  EXPECT_THAT(error(maps), testing::HasSubstr(": the file holds more than 100000 values once every ${…} is replaced"));
  EXPECT_THAT(error(chain), testing::HasSubstr(": more than 100 references, one behind the other"));
}

}  // namespace
}  // namespace dime
