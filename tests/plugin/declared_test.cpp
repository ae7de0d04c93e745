// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "plugin/declared.hpp"

namespace dime {
namespace {

struct Tower {
  std::int64_t width = 1;
  static Schema<Tower> schema() { return Schema<Tower>("").option("width", &Tower::width, ""); }
};

struct TwiceBelow {
  int a = 1;
  static Schema<TwiceBelow> schema() {
    return Schema<TwiceBelow>("").option("a", &TwiceBelow::a, "").option("a", &TwiceBelow::a, "");
  }
};

/// What is said of a plugin with one option of type T.
template <class T>
std::string said(const std::string& kind, const std::string& name) {
  struct Options {
    T value{};
  };
  return declaration_mistake(kind, Schema<Options>("").option(name, &Options::value, "").options());
}

TEST(Declared, KeysOfTheCoreReachNoPlugin) {
  EXPECT_EQ(said<double>("loss", "weight"),
            "it declares option \"weight\", a key of every loss that dime reads itself; give it another name");
  EXPECT_EQ(said<std::string>("loss", "on"),
            "it declares option \"on\", a key of every loss that dime reads itself; give it another name");
  EXPECT_EQ(said<Path>("model", "init"),
            "it declares option \"init\", a key of every model that dime reads itself; give it another name");
  EXPECT_EQ(said<std::string>("dataset", "type"),
            "it declares option \"type\", a key of every dataset that dime reads itself; give it another name");
  EXPECT_EQ(said<double>("dataset", "weight"), "");
  EXPECT_EQ(said<std::string>("loss", "text"), "");
}

TEST(Declared, ATextTowerIsTheModels) {
  EXPECT_EQ(said<Tower>("model", "text"), "");
  EXPECT_EQ(said<std::optional<Tower>>("model", "text"), "");
  const std::string refused =
      "it declares option \"text\", a key of every model that dime reads itself; make it a struct with a schema, or "
      "give it another name";
  EXPECT_EQ(said<std::string>("model", "text"), refused);
  EXPECT_EQ(said<std::vector<Tower>>("model", "text"), refused);
}

TEST(Declared, Twice) {
  EXPECT_EQ(declaration_mistake("loss", TwiceBelow::schema().options()), "it declares option \"a\" twice; remove one");
  EXPECT_EQ(said<TwiceBelow>("loss", "image"), "it declares option \"a\" of \"image\" twice; remove one");
  EXPECT_EQ(said<Tower>("loss", "image"), "");
}

}  // namespace
}  // namespace dime
