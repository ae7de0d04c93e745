// SPDX-License-Identifier: Apache-2.0
// Words that `dime describe` does not know, and texts that it cannot print as they are.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class DescribeMistakes : public CliTest {};

TEST_F(DescribeMistakes, Kinds) {
  const std::string kinds = " is no kind; the kinds are loss, model, dataset, transform";
  expect_error(dime({"describe", "foo/bar"}), "\"foo/bar\": \"foo\"" + kinds);
  expect_error(dime({"describe", "/"}), "\"/\": \"\"" + kinds);
}

TEST_F(DescribeMistakes, Transforms) {
  const std::string all =
      "there are: resize, center_crop, pad, random_crop, random_resized_crop, horizontal_flip, normalize";
  expect_error(dime({"describe", "transform/nope"}), "there is no transform \"nope\"; " + all);
  expect_error(dime({"describe", "transform/resise"}),
               "there is no transform \"resise\" (did you mean \"resize\"?); " + all);
  EXPECT_EQ(dime({"describe", "transform/resize"}).status, 0);
}

TEST_F(DescribeMistakes, ATextThatIsNoUtf8HidesNoPlugin) {
  for (const auto& folder : {folder_ / "more", folder_ / "more/losses"}) {
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  std::filesystem::copy_file(DIME_TEST_BINARY_DIR "/tests/plugin_fixtures/fixture_latin.so",
                             folder_ / "more/losses/latin.so");
  conditions_.env["DIME_PLUGIN_PATH"] = path("more");
  const Outcome one = dime({"describe", "loss/latin", "--json"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(nlohmann::json::parse(one.out).at("help"), "Ma\uFFFD.");
  EXPECT_EQ(nlohmann::json::parse(dime({"describe", "--json"}).out).size(), lines_of(dime({"describe"}).out).size());
}

}  // namespace
}  // namespace dime::test
