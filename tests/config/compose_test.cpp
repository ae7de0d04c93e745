// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/files.hpp"

namespace dime {
namespace {

using test::yaml;

class Compose : public testing::Test {
 protected:
  /// The message that composing NAME throws, without the scratch folder's name.
  std::string error(const std::string& name, const std::vector<std::string>& overrides = {}) {
    return scratch_.shown(test::error_text<ConfigError>([&] { compose(scratch_ / name, overrides); }));
  }
  std::string place(const Value& v) { return scratch_.shown(v.mark().text()); }

  test::ScratchFolder scratch_;
};

TEST_F(Compose, ExtendsInOrder) {
  scratch_.write("parts/a.yaml", "x: {a: 1, b: 1}\nlist: [1, 2]\n");
  scratch_.write("parts/b.yaml", "x: {b: 2, c: 2}\n");
  scratch_.write("main.yaml", "extends: [parts/a.yaml, parts/b.yaml]\nx: {c: 3}\nlist: [3]\n");
  const Value v = compose(scratch_ / "main.yaml");
  EXPECT_EQ(to_yaml(v), "x:\n  a: 1\n  b: 2\n  c: 3\nlist:\n  - 3\n");
  EXPECT_EQ(place(*v.find("x")->find("a")), "parts/a.yaml:1:8");
  EXPECT_EQ(place(*v.find("x")->find("b")), "parts/b.yaml:1:8");
  EXPECT_EQ(place(*v.find("x")->find("c")), "main.yaml:2:8");
  EXPECT_EQ(v.find("x")->find("a")->mark().origin->directory, std::filesystem::canonical(scratch_ / "parts"));
}

TEST_F(Compose, ExtendsResolvesAgainstTheStatingFile) {
  scratch_.write("parts/deep/c.yaml", "v: c\n");
  scratch_.write("parts/b.yaml", "extends: deep/c.yaml\nw: b\n");
  scratch_.write("main.yaml", "extends: parts/b.yaml\n");
  EXPECT_EQ(to_yaml(compose(scratch_ / "main.yaml")), "v: c\nw: b\n");
}

TEST_F(Compose, TheSameFileOnTwoWaysIsNoCircle) {
  scratch_.write("base.yaml", "v: 1\n");
  scratch_.write("l.yaml", "extends: base.yaml\nl: 1\n");
  scratch_.write("r.yaml", "extends: base.yaml\nr: 1\n");
  scratch_.write("main.yaml", "extends: [l.yaml, r.yaml]\n");
  EXPECT_EQ(to_yaml(compose(scratch_ / "main.yaml")), "v: 1\nl: 1\nr: 1\n");
}

TEST_F(Compose, ExtendsTakesTheEnvironment) {
  scratch_.write("base.yaml", "v: 1\n");
  scratch_.write("main.yaml", "extends: \"${env:DIME_TEST_FOLDER}/base.yaml\"\n");
  ::setenv("DIME_TEST_FOLDER", scratch_.path().c_str(), 1);
  EXPECT_EQ(to_yaml(compose(scratch_ / "main.yaml")), "v: 1\n");
  ::unsetenv("DIME_TEST_FOLDER");
  EXPECT_EQ(error("main.yaml"),
            "main.yaml:1:10: the environment variable \"DIME_TEST_FOLDER\" is not set; set it or write the value here");
}

TEST_F(Compose, ABlockWhoseTypeChangesIsReplaced) {
  const Value base = yaml("s: {type: cosine, warmup: 3}\nt: {type: a, x: 1}");
  const Value v = merge(base, yaml("s: {type: constant}\nt: {y: 2}"));
  EXPECT_EQ(to_yaml(v), "s:\n  type: constant\nt:\n  type: a\n  x: 1\n  y: 2\n");
}

TEST_F(Compose, NullRemoves) {
  EXPECT_EQ(to_yaml(merge(yaml("a: 1\nb: {c: 1, d: 2}"), yaml("a: null\nb: {c: ~}\nz: null"))), "b:\n  d: 2\n");
}

TEST_F(Compose, ExtendsMistakes) {
  scratch_.write("a.yaml", "x: 1\nextends: b.yaml\n");
  scratch_.write("b.yaml", "extends: [a.yaml]\n");
  scratch_.write("self.yaml", "extends: self.yaml\n");
  scratch_.write("none.yaml", "extends: sub/gone.yaml\n");
  scratch_.write("bad.yaml", "extends: {a: 1}\n");
  scratch_.write("broken.yaml", "extends: parts/broken.yaml\n");
  scratch_.write("parts/broken.yaml", "a: [1\n");
  scratch_.write("folder.yaml", "extends: [parts]\n");
  scratch_.write("loop.yaml", "x: 1\nextends: [round/a.yaml]\n");
  std::filesystem::create_symlink("round", scratch_ / "round");
  scratch_.write("ref.yaml", "extends: \"${name}.yaml\"\nname: x\n");
  EXPECT_EQ(error("a.yaml"), "b.yaml:1:11: `extends` goes in a circle: a.yaml -> b.yaml -> a.yaml");
  EXPECT_EQ(error("self.yaml"), "self.yaml:1:10: `extends` goes in a circle: self.yaml -> self.yaml");
  EXPECT_EQ(error("none.yaml"), "none.yaml:1:10: `extends` names a file that does not exist: sub/gone.yaml");
  EXPECT_EQ(error("folder.yaml"), "folder.yaml:1:11: `extends` names a folder: parts");
  EXPECT_EQ(
      error("loop.yaml"),
      "loop.yaml:2:11: `extends` names a file that cannot be read (Too many levels of symbolic links): round/a.yaml");
  EXPECT_EQ(error("bad.yaml"), "bad.yaml:1:10: `extends` takes a path or a list of paths, got a map");
  EXPECT_EQ(error("broken.yaml"), "parts/broken.yaml:2:1: not valid YAML: end of sequence flow not found");
  EXPECT_EQ(error("ref.yaml"), "ref.yaml:1:10: \"${name}\" cannot stand here; only ${env:NAME} can");
  EXPECT_EQ(error("gone.yaml"), "cannot read gone.yaml: No such file or directory");
}

TEST_F(Compose, ManyFilesAreRefused) {
  for (int i = 0; i < 10; ++i) {
    const std::string next = std::to_string(i + 1) + ".yaml";
    scratch_.write(std::to_string(i) + ".yaml", "extends: [" + next + ", " + next + "]\n");
  }
  scratch_.write("10.yaml", "x: 1\n");
  EXPECT_THAT(error("0.yaml"), testing::EndsWith(".yaml: more than 100 files by `extends`"));
}

TEST_F(Compose, Overrides) {
  Value v = yaml(
      "train: {lr: 1, betas: [0.9, 0.99]}\nsources: [{weight: 1}, {weight: 1}]\nlosses: {vl: {type: vl}, fd: {type: "
      "fd}}");
  for (const auto* text : {"train.lr=2.5", "sources.1.weight=3", "losses.fd=null", "new.deep.key={a: [x, y]}",
                           "name=a=b", "train.betas.0=0.5"}) {
    apply_override(v, text);
  }
  EXPECT_EQ(
      to_yaml(v),
      "train:\n  lr: 2.5\n  betas:\n    - 0.5\n    - 0.99\nsources:\n  - weight: 1\n  - weight: 3\nlosses:\n  vl:\n"
      "    type: vl\nnew:\n  deep:\n    key:\n      a:\n        - x\n        - y\nname: a=b\n");
  EXPECT_EQ(v.find("train")->find("lr")->mark().text(), "command line");
  EXPECT_EQ(v.find("train")->find("lr")->mark().origin->directory, std::filesystem::current_path());
  EXPECT_EQ(v.find("train")->mark().text(), "f.yaml:1:8");
}

TEST_F(Compose, AnOverrideMergesMapsAndReplacesTypes) {
  Value v = yaml("losses: {vl: {type: vl, weight: 1}}");
  apply_override(v, "losses={pvl: {type: pvl}}");
  apply_override(v, "losses.vl={type: fd}");
  EXPECT_EQ(to_yaml(v), "losses:\n  vl:\n    type: fd\n  pvl:\n    type: pvl\n");
}

TEST_F(Compose, OverrideMistakes) {
  const auto said = [](const std::string& text) {
    Value v = yaml("a: 1\nlist: [1, 2]\nlosses: {pvl: {}}");
    return test::error_text<ConfigError>([&] { apply_override(v, text); });
  };
  EXPECT_EQ(said("hello"), "command line: \"hello\" is no override; write key.path=value");
  EXPECT_EQ(said("=1"), "command line: \"=1\" has an empty key; write key.path=value");
  EXPECT_EQ(said("a..b=1"), "command line: \"a..b=1\" has an empty key; write key.path=value");
  EXPECT_EQ(said("a.b=1"), "command line: \"a.b=1\" sets a key inside \"1\", which is no map (f.yaml:1:4)");
  EXPECT_EQ(said("list.x=1"), "command line: \"list.x=1\" names \"x\" in a list; items go by number from 0");
  EXPECT_EQ(said("list.2=1"), "command line: \"list.2=1\" names item 2 of a list of 2");
  EXPECT_EQ(said("list.-1=1"), "command line: \"list.-1=1\" names \"-1\" in a list; items go by number from 0");
  EXPECT_EQ(said("losses.pvll=null"),
            "command line: \"losses.pvll=null\" removes nothing: there is no \"pvll\" (did you mean \"pvl\"?)");
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  EXPECT_EQ(said(deep + "=1"), "command line: \"" + deep.substr(0, 60) + "…\" goes deeper than 64 keys");
  for (const std::string text : {"extends=base.yaml", "extends=null", "extends.0=base.yaml"}) {
    EXPECT_EQ(said(text), "command line: \"" + text + "\" comes too late; write `extends` in the file");
  }
  EXPECT_EQ(said("a=[1"), "command line: \"a=[1\": not valid YAML: end of sequence flow not found");
}

struct NameAndFile {
  std::string name;
  Path file;
  std::vector<Path> more;
  static Schema<NameAndFile> schema() {
    return Schema<NameAndFile>("")
        .option("name", &NameAndFile::name, "")
        .option("file", &NameAndFile::file, "")
        .option("more", &NameAndFile::more, "");
  }
};

Value with_full_paths(const Value& v) {
  Problems read;
  NameAndFile::schema().check(v, "o", read);
  EXPECT_EQ(join(read.lines()), "");
  return absolute_paths(v, read);
}

TEST_F(Compose, PathsOfOverridesAreApartFromOtherValuesOfTheCommandLine) {
  for (const auto& texts : {std::vector<std::string>{"name=x", "o.file=y"}, {"o={name: x, file: y}"}}) {
    Value v = yaml("o: {}");
    for (const auto& text : texts) apply_override(v, text.starts_with("name") ? "o." + text : text);
    number_values(v);
    const Value full = with_full_paths(*v.find("o"));
    EXPECT_EQ(full.find("name")->text(), "x");
    EXPECT_EQ(full.find("file")->text(), (std::filesystem::current_path() / "y").string());
  }
}

TEST_F(Compose, PathsAreApartFromTheValuesThatTheyWereCopiedFrom) {
  const std::string folder = std::filesystem::canonical(scratch_.path()).string();
  const std::string texts[] = {"name: run7\nfile: ${name}\nmore: ['${name}', 'x${name}']\n",
                               "name: &n run7\nfile: *n\nmore: [*n, xrun7]\n"};
  for (const auto& text : texts) {
    scratch_.write("main.yaml", text);
    EXPECT_EQ(
        to_yaml(with_full_paths(compose(scratch_ / "main.yaml"))),
        "name: run7\nfile: \"" + folder + "/run7\"\nmore:\n  - \"" + folder + "/run7\"\n  - \"" + folder + "/xrun7\"\n")
        << text;
  }
}

TEST_F(Compose, LongTextsOfTheCommandLineAreCut) {
  Value v = yaml("a: 1");
  EXPECT_EQ(test::error_text<ConfigError>([&] { apply_override(v, "x\ny" + std::string(100, 'z')); }),
            "command line: \"x\\x0Ay" + std::string(57, 'z') + "…\" is no override; write key.path=value");
}

}  // namespace
}  // namespace dime
