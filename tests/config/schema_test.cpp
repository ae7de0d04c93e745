// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <chrono>

#include "config/files.hpp"

namespace dime {
namespace {

struct Tower {
  std::int64_t width = 64;
  static Schema<Tower> schema() {
    return Schema<Tower>("A tower.").option("width", &Tower::width, "Its width.", positive);
  }
};

struct Options {
  double temperature = 1;
  double scale = 100;
  bool normalise = true;
  int depth = 2;
  std::string mode = "exact";
  std::optional<std::string> note;
  Path file;
  Tower image;
  std::array<double, 2> betas{0.9, 0.999};
  std::vector<std::int64_t> sizes;
  std::optional<Component> source;
  Named<Tower> towers;

  static Schema<Options> schema() {
    return Schema<Options>("Everything.")
        .option("temperature", &Options::temperature, "Divides.", positive)
        .option("scale", &Options::scale, "Multiplies.", between(0, 1000))
        .option("normalise", &Options::normalise, "Whether.")
        .option("depth", &Options::depth, "Layers.")
        .option("mode", &Options::mode, "How.", one_of({"exact", "fused"}))
        .option("note", &Options::note, "Anything.")
        .option("file", &Options::file, "A file.")
        .option("image", &Options::image, "The image tower.")
        .option("betas", &Options::betas, "Decays.", between(0, 1))
        .option("sizes", &Options::sizes, "Sizes.")
        .option("source", &Options::source, "A source.")
        .option("towers", &Options::towers, "Towers by name.");
  }
};

struct Few {
  double temperature = 1;
  double scale = 100;
  static Schema<Few> schema() {
    return Schema<Few>("Few.")
        .option("temperature", &Few::temperature, "Divides.", positive)
        .option("scale", &Few::scale, "Multiplies.");
  }
};

struct Needy {
  std::string y;
  static Schema<Needy> schema() { return Schema<Needy>("").option("y", &Needy::y, "help text", required); }
};

struct None {
  static Schema<None> schema() { return Schema<None>(""); }
};

template <class O>
std::string said(const std::string& text, const std::vector<std::string>& also = {}) {
  Problems problems;
  O::schema().check(test::yaml(text), "loss \"vl\"", problems, also);
  return join(problems.lines(), "\n");
}

TEST(Schema, ReadsEveryType) {
  const auto o = Options::schema().parse(test::yaml(
      "{temperature: +1.5e1, normalise: false, depth: -3, mode: fused, note: 7, file: ../a/b.txt, image: {width: 8},\n"
      " betas: [0, 1], sizes: [1, 2], source: {type: idx, root: x}, towers: {one: {width: 1}, two: null}}"));
  EXPECT_EQ(o.temperature, 15);
  EXPECT_EQ(o.scale, 100);
  EXPECT_FALSE(o.normalise);
  EXPECT_EQ(o.depth, -3);
  EXPECT_EQ(o.mode, "fused");
  EXPECT_EQ(o.note, "7");
  EXPECT_EQ(o.file, "/a/b.txt");
  EXPECT_EQ(o.image.width, 8);
  EXPECT_THAT(o.betas, testing::ElementsAre(0, 1));
  EXPECT_THAT(o.sizes, testing::ElementsAre(1, 2));
  EXPECT_EQ(o.source->type, "idx");
  EXPECT_EQ(o.source->options.find("root")->text(), "x");
  EXPECT_EQ(o.source->options.find("type"), nullptr);
  EXPECT_EQ(o.source->mark.text(), "f.yaml:2:47");
  ASSERT_EQ(o.towers.size(), 1u);
  EXPECT_EQ(o.towers[0].first, "one");
}

TEST(Schema, UnknownOption) {
  EXPECT_EQ(
      said<Few>("temprature: 2"),
      "f.yaml:1:1: unknown option \"temprature\" of loss \"vl\" (did you mean \"temperature\"?); it takes: scale, "
      "temperature");
  EXPECT_EQ(said<Few>("bananas: 2"),
            "f.yaml:1:1: unknown option \"bananas\" of loss \"vl\"; it takes: scale, temperature");
  EXPECT_EQ(said<None>("a: 2"), "f.yaml:1:1: unknown option \"a\" of loss \"vl\"; it takes no options");
}

TEST(Schema, KeysOfTheCoreCountForTheNearestName) {
  EXPECT_EQ(
      said<Few>("wieght: 2", {"type", "weight"}),
      "f.yaml:1:1: unknown option \"wieght\" of loss \"vl\" (did you mean \"weight\"?); it takes: scale, temperature");
  EXPECT_EQ(said<Few>("weight: 2", {"type", "weight"}), "");
}

TEST(Schema, WrongTypes) {
  EXPECT_EQ(said<Options>("temperature: warm"),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number, got \"warm\"");
  EXPECT_EQ(said<Options>("temperature: \"1\""),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number, got the string \"1\"");
  EXPECT_EQ(said<Options>("temperature: [1]"),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number, got a list");
  EXPECT_EQ(said<Options>("temperature: .nan"),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number, got \".nan\"");
  EXPECT_EQ(said<Options>("temperature: inf"),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number, got \"inf\"");
  EXPECT_EQ(said<Options>("temperature: 1e999"),
            "f.yaml:1:14: option \"temperature\" of loss \"vl\" takes a number; 1e999 is more than a computer holds");
  EXPECT_EQ(said<Options>("depth: 1.5"), "f.yaml:1:8: option \"depth\" of loss \"vl\" takes an integer, got \"1.5\"");
  EXPECT_EQ(said<Options>("depth: 3000000000"), "f.yaml:1:8: option \"depth\" of loss \"vl\" is too large: 3000000000");
  EXPECT_EQ(said<Options>("normalise: yes"),
            "f.yaml:1:12: option \"normalise\" of loss \"vl\" takes true or false, got \"yes\"");
  EXPECT_EQ(said<Options>("note: {}"), "f.yaml:1:7: option \"note\" of loss \"vl\" takes a string, got a map");
  EXPECT_EQ(said<Options>("file: ''"), "f.yaml:1:7: option \"file\" of loss \"vl\" takes a path, got the string \"\"");
  EXPECT_EQ(said<Options>("image: 3"), "f.yaml:1:8: option \"image\" of loss \"vl\" takes a map, got \"3\"");
  EXPECT_EQ(said<Options>("sizes: 3"), "f.yaml:1:8: option \"sizes\" of loss \"vl\" takes a list, got \"3\"");
  EXPECT_EQ(said<Options>("betas: [1]"),
            "f.yaml:1:8: option \"betas\" of loss \"vl\" takes a list of 2 numbers, got 1");
  EXPECT_EQ(said<Options>("[1, 2]"), "f.yaml:1:1: loss \"vl\" takes a map, got a list");
}

TEST(Schema, RangesAndChoices) {
  EXPECT_EQ(said<Options>("temperature: -1"), "f.yaml:1:14: option \"temperature\" of loss \"vl\" must be > 0, got -1");
  EXPECT_EQ(said<Options>("scale: 2e3"),
            "f.yaml:1:8: option \"scale\" of loss \"vl\" must be between 0 and 1000, got 2e3");
  EXPECT_EQ(said<Options>("betas: [0, 7]"),
            "f.yaml:1:12: item 2 of option \"betas\" of loss \"vl\" must be between 0 and 1, got 7");
  EXPECT_EQ(said<Options>("mode: fast"),
            "f.yaml:1:7: option \"mode\" of loss \"vl\" takes one of exact, fused, got \"fast\"");
  EXPECT_EQ(
      said<Options>("mode: fussed"),
      "f.yaml:1:7: option \"mode\" of loss \"vl\" takes one of exact, fused, got \"fussed\" (did you mean \"fused\"?)");
}

TEST(Schema, NestedOwners) {
  EXPECT_EQ(
      said<Options>("image: {widht: 3}"),
      "f.yaml:1:9: unknown option \"widht\" of \"image\" of loss \"vl\" (did you mean \"width\"?); it takes: width");
  EXPECT_EQ(said<Options>("image: {width: 0}"),
            "f.yaml:1:16: option \"width\" of \"image\" of loss \"vl\" must be > 0, got 0");
  EXPECT_EQ(said<Options>("towers: {one: {width: 0}}"),
            "f.yaml:1:23: option \"width\" of \"one\" of \"towers\" of loss \"vl\" must be > 0, got 0");
}

TEST(Schema, MissingOption) {
  EXPECT_EQ(said<Needy>("{}"), "f.yaml:1:1: loss \"vl\" needs option \"y\" (help text)");
  EXPECT_EQ(said<Needy>("y: null"), "f.yaml:1:1: loss \"vl\" needs option \"y\" (help text)");
  EXPECT_EQ(said<Options>("source: {root: x}"),
            "f.yaml:1:9: \"source\" of loss \"vl\" needs option \"type\" (the name of its plugin)");
  EXPECT_EQ(said<Options>("source: {type: [1]}"),
            "f.yaml:1:16: option \"type\" of \"source\" of loss \"vl\" takes a string, got a list");
}

TEST(Schema, AllMistakesInTheOrderOfTheFile) {
  EXPECT_EQ(
      said<Options>("zzz: 1\nscale: big\ntemperature: -1"),
      "f.yaml:1:1: unknown option \"zzz\" of loss \"vl\"; it takes: betas, depth, file, image, mode, normalise, note, "
      "scale, sizes, source, temperature, towers\n"
      "f.yaml:2:8: option \"scale\" of loss \"vl\" takes a number, got \"big\"\n"
      "f.yaml:3:14: option \"temperature\" of loss \"vl\" must be > 0, got -1");
}

TEST(Schema, ParseThrowsWithoutAPlaceWhereNothingWasWritten) {
  Value v;
  v.set("temperature", Value::scalar("-1"));
  EXPECT_EQ(test::error_text<ConfigError>([&] { Few::schema().parse(v); }),
            "option \"temperature\" of the plugin must be > 0, got -1");
  EXPECT_EQ(Few::schema().parse(Value()).scale, 100);
}

TEST(Schema, Infos) {
  const auto all = Options::schema().options();
  ASSERT_EQ(all.size(), 12u);
  EXPECT_EQ(all[0].type, "number");
  EXPECT_EQ(all[0].default_value, "1");
  EXPECT_EQ(all[0].range, "> 0");
  EXPECT_EQ(all[4].range, "one of exact, fused");
  EXPECT_EQ(all[7].type, "map");
  ASSERT_EQ(all[7].options.size(), 1u);
  EXPECT_EQ(all[7].options[0].name, "width");
  EXPECT_EQ(all[8].type, "list of 2 numbers");
  EXPECT_EQ(all[8].default_value, "[0.9, 0.999]");
  EXPECT_EQ(all[9].type, "list of integer");
  EXPECT_EQ(all[10].type, "component");
  EXPECT_EQ(all[11].type, "map of names to map");
  EXPECT_TRUE(Needy::schema().options()[0].required);
  EXPECT_EQ(Needy::schema().options()[0].default_value, "");
}

template <class T>
std::string refused_default(T Options::*member, const auto& rule) {
  return test::error_text<ArgumentError>([&] { Schema<Options>("").option("x", member, "", rule); });
}

TEST(Schema, ADefaultKeepsTheRules) {
  EXPECT_EQ(refused_default(&Options::scale, between(0, 1)),
            "the default of option \"x\" must be between 0 and 1, got 100");
  EXPECT_EQ(refused_default(&Options::depth, Range{3}), "the default of option \"x\" must be >= 3, got 2");
  EXPECT_EQ(refused_default(&Options::mode, one_of({"fast", "slow"})),
            "the default of option \"x\" must be one of fast, slow, got \"exact\"");
}

TEST(Schema, TextFromOutsideIsShownInPart) {
  const std::string longer(1000, '7'), cut = std::string(60, '7') + "…";
  EXPECT_EQ(said<Few>("\"a\\n\\e\": 1"),
            "f.yaml:1:1: unknown option \"a\\x0A\\x1B\" of loss \"vl\"; it takes: scale, temperature");
  EXPECT_EQ(said<Options>("depth: " + longer),
            "f.yaml:1:8: option \"depth\" of loss \"vl\" takes an integer; " + cut + " is more than a computer holds");
  EXPECT_EQ(
      said<Options>("scale: 9" + std::string(100, '0')),
      "f.yaml:1:8: option \"scale\" of loss \"vl\" must be between 0 and 1000, got 9" + std::string(59, '0') + "…");
  EXPECT_EQ(said<Options>("mode: \"x\\ny\""),
            "f.yaml:1:7: option \"mode\" of loss \"vl\" takes one of exact, fused, got \"x\\x0Ay\"");
  EXPECT_EQ(said<Options>("towers: {\"a\\nb\": {width: 0}}"),
            "f.yaml:1:26: option \"width\" of \"a\\x0Ab\" of \"towers\" of loss \"vl\" must be > 0, got 0");
}

TEST(Schema, ManyMistakesTakeNoLongerThanTheyMust) {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "unknown_" + std::to_string(i) + ": 1\n";
  Problems problems;
  const auto start = std::chrono::steady_clock::now();
  Few::schema().check(test::yaml(text), "loss \"vl\"", problems);
  EXPECT_EQ(problems.size(), 50000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Names, Nearest) {
  EXPECT_EQ(nearest_name("vll", {"clip", "vl"}), "vl");
  EXPECT_EQ(nearest_name("lossess", {"losses", "data"}), "losses");
  EXPECT_EQ(nearest_name("dtaa", {"losses", "data"}), "data");
  EXPECT_EQ(nearest_name("x", {"losses", "y"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'a'), {"a"}), "");
}

TEST(Names, Numbers) {
  EXPECT_EQ(detail::print_number(100000), "100000");
  EXPECT_EQ(detail::print_number(0.0008), "0.0008");
  EXPECT_EQ(detail::print_number(1e-8), "1e-08");
  EXPECT_EQ(detail::print_number(-3), "-3");
}

TEST(Paths, ResolveAgainstTheFolderOfTheFile) {
  const auto path = [](const std::string& text) {
    Path out;
    Problems problems;
    Value v = test::yaml(text);
    number_values(v);
    EXPECT_TRUE(detail::read_scalar(v, out, "x", problems));
    EXPECT_TRUE(problems.is_path(v));
    return out.string();
  };
  EXPECT_EQ(path("a/b"), "/folder/a/b");
  EXPECT_EQ(path("../a"), "/a");
  EXPECT_EQ(path("./a"), "/folder/a");
  EXPECT_EQ(path("link/../a"), "/folder/link/../a");
  EXPECT_EQ(path("/a/b"), "/a/b");
}

}  // namespace
}  // namespace dime
