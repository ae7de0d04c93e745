// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/files.hpp"

namespace dime {
namespace {

using test::yaml;

std::string error(const std::string& text) {
  return test::error_text<ConfigError>([&] { yaml(text); });
}

TEST(Yaml, MarksOfKeysAndValues) {
  const Value v = yaml("a: 1\nb:\n  - x\n  - {c: 'y'}\n");
  EXPECT_EQ(v.mark().text(), "f.yaml:1:1");
  EXPECT_EQ(v.entries()[1].mark.text(), "f.yaml:2:1");
  EXPECT_EQ(v.find("b")->items()[0].mark().text(), "f.yaml:3:5");
  const Value* c = v.find("b")->items()[1].find("c");
  EXPECT_EQ(c->mark().text(), "f.yaml:4:9");
  EXPECT_TRUE(c->quoted());
  EXPECT_FALSE(v.find("a")->quoted());
  EXPECT_EQ(v.find("a")->mark().origin->directory, "/folder");
}

TEST(Yaml, Nulls) {
  const Value v = yaml("{a: null, b: ~, c: , d: 'null'}");
  EXPECT_TRUE(v.find("a")->is_null());
  EXPECT_TRUE(v.find("b")->is_null());
  EXPECT_TRUE(v.find("c")->is_null());
  EXPECT_TRUE(v.find("d")->is_scalar());
  EXPECT_TRUE(yaml("").is_null());
  EXPECT_TRUE(yaml("# only words\n").is_null());
}

TEST(Yaml, TagsOfTheThreeForms) {
  const Value v = yaml("{a: !!map {b: !!str 1}, c: !!seq [!  2]}");
  EXPECT_TRUE(v.find("a")->find("b")->quoted());
  EXPECT_TRUE(v.find("c")->is_list());
}

TEST(Yaml, AliasesAndMergeKeys) {
  const Value v = yaml("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [{z: 1}, *b]}\nthree: *b\n");
  EXPECT_EQ(v.find("one")->find("x")->text(), "1");
  EXPECT_EQ(v.find("one")->find("y")->text(), "3");
  EXPECT_EQ(v.find("two")->find("z")->text(), "1");
  EXPECT_EQ(v.find("two")->find("y")->text(), "2");
  EXPECT_EQ(v.find("three")->find("x")->mark().text(), "f.yaml:1:14");
}

TEST(Yaml, Mistakes) {
  EXPECT_EQ(error("a: 1\nb: [1, 2\nc: 3\n"), "f.yaml:3:2: not valid YAML: end of sequence flow not found");
  EXPECT_EQ(error("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: the key \"a\" stands twice in this map; remove one");
  EXPECT_EQ(error("[x]: 1"), "f.yaml:1:1: a key must be a string");
  EXPECT_EQ(error("a: !secret 1"), "f.yaml:1:4: the tag \"!secret\" is not known; leave it out");
  EXPECT_EQ(error("a: !foo {b: 1}"), "f.yaml:1:4: the tag \"!foo\" is not known; leave it out");
  EXPECT_EQ(error("a: !foo [1]"), "f.yaml:1:4: the tag \"!foo\" is not known; leave it out");
  EXPECT_EQ(error("!foo a: 1"), "f.yaml:1:1: the tag \"!foo\" is not known; leave it out");
  EXPECT_EQ(error("\"a\\e\": 1\n\"a\\e\": 2"), "f.yaml:2:1: the key \"a\\x1B\" stands twice in this map; remove one");
  EXPECT_EQ(error("a: 1\n---\nb: 1\n"), "f.yaml:3:1: a second document; a file holds one");
  EXPECT_EQ(error("a: *b"), "f.yaml:1:4: not valid YAML: the referenced anchor is not defined");
  EXPECT_EQ(error("a: {<<: 3}"), "f.yaml:1:5: \"<<\" takes a map or a list of maps, got \"3\"");
}

TEST(Yaml, DepthAndAliasesAreBounded) {
  EXPECT_EQ(error(std::string(100, '[') + std::string(100, ']')), "f.yaml:1:65: nested deeper than 64 levels");
  EXPECT_THAT(error(std::string(100000, '[')), testing::StartsWith("f.yaml:1:"));
  EXPECT_EQ(error("a: &a [*a]"), "f.yaml:1:4: nested deeper than 64 levels");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) bomb += last + ", ";
    bomb += "]\n";
  }
  EXPECT_EQ(error(bomb), "f.yaml:1:13: more than 100000 values (aliases count in full)");
}

class YamlFiles : public testing::Test {
 protected:
  test::ScratchFolder scratch_;
};

TEST_F(YamlFiles, FilesThatCannotBeUsed) {
  const auto load = [](const std::filesystem::path& p) {
    return test::error_text<ConfigError>([&] { load_yaml(p, "x.yaml"); });
  };
  EXPECT_EQ(load(scratch_.path() / "none.yaml"), "cannot read x.yaml: No such file or directory");
  EXPECT_EQ(load(scratch_.path()), "cannot read x.yaml: it is a folder");
  EXPECT_EQ(load(""), "the name of the experiment file is empty; name a file");
  std::filesystem::create_symlink("loop", scratch_ / "loop");
  EXPECT_EQ(load(scratch_ / "loop" / "x.yaml"), "cannot read x.yaml: Too many levels of symbolic links");
  EXPECT_EQ(load(scratch_.write("e.yaml", "")), "x.yaml: the file is empty; it takes a map of keys to values");
  EXPECT_EQ(load(scratch_.write("l.yaml", "- 1\n")), "x.yaml:1:1: the file takes a map of keys to values, got a list");
  EXPECT_EQ(load(scratch_.write("s.yaml", "hello\n")),
            "x.yaml:1:1: the file takes a map of keys to values, got \"hello\"");
  EXPECT_EQ(load(scratch_.write("b.yaml", std::string((4 << 20) + 1, '#'))),
            "x.yaml: larger than 4 MiB; an experiment file is a short text");
}

TEST_F(YamlFiles, TheFolderOfTheFileIsKept) {
  const Value v = load_yaml(scratch_.write("a.yaml", "x: 1"));
  EXPECT_EQ(v.mark().origin->directory, std::filesystem::canonical(scratch_.path()));
  EXPECT_EQ(v.mark().origin->name, (scratch_.path() / "a.yaml").string());
}

bool same(const Value& a, const Value& b) {
  if (a.kind() != b.kind() || a.text() != b.text() || a.items().size() != b.items().size()) return false;
  if (a.entries().size() != b.entries().size()) return false;
  for (std::size_t i = 0; i < a.items().size(); ++i) {
    if (!same(a.items()[i], b.items()[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    if (a.entries()[i].key != b.entries()[i].key || !same(a.entries()[i].value, b.entries()[i].value)) return false;
  }
  return true;
}

TEST(ToYaml, RoundTrips) {
  const std::string text =
      "a: 1\nb: \"1\"\nc: ['x: y', ~, true, \"true\", '']\nd: {e: {}, f: []}\n\"<<\": q\n\"1 # 2\": \"two\\nlines \\\\ "
      "\\\"\"\n"
      "g: \"${env:HOME}\"\nh: \"$${x}\"\ni: \"a$\"\nj: \"null\"\nk: é\n";
  const Value v = yaml(text);
  Value again = yaml(to_yaml(v));
  ASSERT_EQ(again.find("g")->text(), "$${env:HOME}");
  interpolate(again);
  EXPECT_TRUE(same(v, again)) << to_yaml(v);
  EXPECT_TRUE(again.find("b")->quoted());
  EXPECT_FALSE(again.find("a")->quoted());
}

TEST(ToYaml, PathsAreWrittenInFull) {
  struct Options {
    Path list;
    std::string name;
    std::vector<Path> more;
  };
  const auto schema = Schema<Options>("")
                          .option("list", &Options::list, "")
                          .option("name", &Options::name, "")
                          .option("more", &Options::more, "");
  Value v = yaml("{list: ../a.list, name: b.list, more: [c, /d]}");
  number_values(v);
  Problems read;
  schema.check(v, "x", read);
  const Value full = absolute_paths(v, read);
  EXPECT_EQ(full.find("list")->text(), "/a.list");
  EXPECT_EQ(full.find("name")->text(), "b.list");
  EXPECT_EQ(full.find("more")->items()[0].text(), "/folder/c");
  EXPECT_EQ(full.find("more")->items()[1].text(), "/d");
}

}  // namespace
}  // namespace dime
