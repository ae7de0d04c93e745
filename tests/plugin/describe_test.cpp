// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/experiment.hpp"
#include "plugin/describe.hpp"
#include "plugin/fixtures.hpp"

namespace dime {
namespace {

struct Needy {
  Path list;
  std::array<double, 2> betas{0.9, 0.5};
  std::string mode = "exact";
  static Schema<Needy> schema() {
    return Schema<Needy>("Needs.")
        .option("list", &Needy::list, "A list of shards.", required)
        .option("betas", &Needy::betas, "Decays.")
        .option("mode", &Needy::mode, "How.", one_of({"exact", "fused"}));
  }
};

class Describe : public test::PluginFolder {};

TEST_F(Describe, Text) {
  add("good", "losses/good.so");
  const Plugins all = plugins();
  EXPECT_EQ(shown(describe_text(all.file("loss", "good"), all.schema("loss", "good"))),
            "loss \"good\" (P/losses/good.so)\n"
            "A loss for tests.\n"
            "Options:\n"
            "  temperature (number, > 0, default 1): Divides.\n"
            "  scale (number, default 100): Multiplies.\n"
            "  image (map): The image tower.\n"
            "    width (integer, > 0, default 8): Its width.\n");
}

TEST_F(Describe, Json) {
  add("good", "losses/good.so");
  const Plugins all = plugins();
  const auto j = describe_json(all.file("loss", "good"), all.schema("loss", "good"));
  EXPECT_EQ(j["kind"], "loss");
  EXPECT_EQ(j["name"], "good");
  EXPECT_EQ(shown(j["file"]), "P/losses/good.so");
  EXPECT_EQ(
      j["options"].dump(),
      R"([{"name":"temperature","type":"number","default":1,"range":"> 0","required":false,"help":"Divides."},)"
      R"({"name":"scale","type":"number","default":100,"range":null,"required":false,"help":"Multiplies."},)"
      R"({"name":"image","type":"map","default":null,"range":null,"required":false,"help":"The image tower.",)"
      R"("options":[{"name":"width","type":"integer","default":8,"range":"> 0","required":false,"help":"Its width."}]}])");
}

TEST(DescribeSchema, RequiredAndLists) {
  const auto schema = Needy::schema();
  EXPECT_EQ(describe_text("transform \"needy\"", schema),
            "transform \"needy\"\nNeeds.\nOptions:\n"
            "  list (path, required): A list of shards.\n"
            "  betas (list of 2 numbers, default [0.9, 0.5]): Decays.\n"
            "  mode (string, one of exact, fused, default exact): How.\n");
  EXPECT_EQ(
      describe_json("needy", schema).dump(),
      R"({"name":"needy","help":"Needs.","options":[)"
      R"({"name":"list","type":"path","default":null,"range":null,"required":true,"help":"A list of shards."},)"
      R"({"name":"betas","type":"list of 2 numbers","default":[0.9,0.5],"range":null,"required":false,"help":"Decays."},)"
      R"({"name":"mode","type":"string","default":"exact","range":"one of exact, fused","required":false,"help":"How."}]})");
}

struct Strings {
  std::string one = "1", none = "null", quoted = "a \"b\"\n", empty;
  std::vector<std::string> list{"a", "1", "b, c", ""}, nothing;
  std::optional<Path> path = Path("7");
  static Schema<Strings> schema() {
    return Schema<Strings>("")
        .option("one", &Strings::one, "")
        .option("none", &Strings::none, "")
        .option("quoted", &Strings::quoted, "")
        .option("empty", &Strings::empty, "")
        .option("list", &Strings::list, "")
        .option("nothing", &Strings::nothing, "")
        .option("path", &Strings::path, "");
  }
};

TEST(DescribeSchema, DefaultsKeepTheirTypes) {
  const auto json = describe_json("x", Strings::schema());
  auto defaults = nlohmann::ordered_json::array();
  for (const auto& option : json["options"]) defaults.push_back(option["default"]);
  EXPECT_EQ(defaults.dump(), R"(["1","null","a \"b\"\n","",["a","1","b, c",""],[],"7"])");
}

TEST(DescribeSchema, Experiment) {
  const auto j = describe_json("experiment", Experiment::schema());
  EXPECT_EQ(j["options"].size(), 12u);
  EXPECT_THAT(describe_text("experiment", Experiment::schema()),
              testing::HasSubstr("\n      lr (number, > 0, default 0.001): The learning rate after the warm-up.\n"));
}

}  // namespace
}  // namespace dime
