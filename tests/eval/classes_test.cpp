// SPDX-License-Identifier: Apache-2.0
#include "eval/classes.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using Strings = std::vector<std::string>;

struct Classes : testing::Test {
  test::ScratchFolder share;

  std::string error(const Value& classes) const {
    std::string text = test::error_text<ConfigError>([&] { read_classes(classes, {}, {}, share.path()); });
    const std::string prefix = share.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
  }
};

TEST_F(Classes, AListOfNames) {
  const auto prompts =
      read_classes(Value::list({Value::scalar("cat"), Value::scalar("sea lion")}), {}, {"n01", "n02"}, share.path());
  EXPECT_EQ(prompts.names, (Strings{"cat", "sea lion"}));
  EXPECT_EQ(prompts.sentences(1), Strings{"a photo of a sea lion."});
}

TEST_F(Classes, AsManyAsTheSourceHas) {
  EXPECT_EQ(test::error_text<ConfigError>([&] {
              read_classes(Value::list({Value::scalar("cat"), Value::scalar("dog")}), {}, {"other"}, share.path());
            }),
            "`classes` has 2 names, the source has 1 classes of its own: they must correspond one by one");
}

TEST_F(Classes, OfTheSource) {
  const auto prompts = read_classes({}, {"a {}", "no name", "{} or {}"}, {"cat", "dog"}, share.path());
  EXPECT_EQ(prompts.names, (Strings{"cat", "dog"}));
  EXPECT_EQ(prompts.sentences(0), (Strings{"a cat", "no name", "cat or {}"}));
}

TEST_F(Classes, ANamedFileWithLists) {
  share.write("configs/eval/pets.yaml", "names: [cat, dog]\ntemplates: ['one {}', 'two {}']\n");
  auto prompts = read_classes(Value::scalar("pets"), {}, {}, share.path());
  EXPECT_EQ(prompts.names, (Strings{"cat", "dog"}));
  EXPECT_EQ(prompts.sentences(1), (Strings{"one dog", "two dog"}));
  prompts = read_classes(Value::scalar("pets"), {"my {}"}, {}, share.path());
  EXPECT_EQ(prompts.sentences(0), Strings{"my cat"});
}

TEST_F(Classes, ANamedFileWithTextFiles) {
  share.write("configs/eval/pets.yaml", "names: assets/pets.txt\ntemplates: assets/prompts.txt\n");
  share.write("assets/pets.txt", "cat\r\n\ndog\n");
  share.write("assets/prompts.txt", "a {}!\n");
  const auto prompts = read_classes(Value::scalar("pets"), {}, {}, share.path());
  EXPECT_EQ(prompts.names, (Strings{"cat", "dog"}));
  EXPECT_EQ(prompts.sentences(0), Strings{"a cat!"});
}

TEST_F(Classes, Mistakes) {
  share.write("configs/eval/pets.yaml", "names: assets/none.txt\n");
  share.write("configs/eval/birds.yaml", "name: [owl]\n");
  share.write("configs/eval/empty.yaml", "templates: ['{}']\n");
  const Mark mark{std::make_shared<Origin>(Origin{"e.yaml", "/"}), 3, 4};
  EXPECT_EQ(error(Value::scalar("pet", mark)),
            "e.yaml:3:4: no classes named \"pet\"; there are: birds, empty, pets; or give a list of names");
  EXPECT_EQ(error(Value::scalar("pets", mark)),
            "configs/eval/pets.yaml:1:8: cannot read assets/none.txt: scripts/setup.sh makes the assets");
  EXPECT_EQ(error(Value::scalar("birds", mark)),
            "configs/eval/birds.yaml:1:1: unknown option \"name\" of classes; it takes: names, templates");
  const std::string none = "zero_shot needs class names: give `classes:`, as the source has none of its own";
  EXPECT_EQ(error(Value::scalar("empty", mark)), none);
  EXPECT_EQ(error({}), none);
  EXPECT_EQ(error(Value::map({}, mark)),
            "e.yaml:3:4: classes takes a list of names or the name of a file in configs/eval");
}

}  // namespace
}  // namespace dime
