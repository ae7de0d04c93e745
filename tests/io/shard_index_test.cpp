// SPDX-License-Identifier: Apache-2.0
#include "io/shard_index.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"

namespace dime::io {
namespace {

std::string problem(const std::string& json) {
  const std::string message = test::error_text<WeightsError>([&] { parse_shard_index(json, "i.json"); });
  const std::string begin = "i.json is no index of shards, or a damaged one: ";
  EXPECT_TRUE(message.starts_with(begin)) << message;
  return message.substr(std::min(begin.size(), message.size()));
}

TEST(ShardIndex, ReadsTheMap) {
  const WeightMap map = parse_shard_index(
      R"({"metadata":{"total_size":12},"weight_map":{"b":"m-1.safetensors","a":"m-2.safetensors"}})", "i.json");
  EXPECT_EQ(map, (WeightMap{{"a", "m-2.safetensors"}, {"b", "m-1.safetensors"}}));
  EXPECT_TRUE(is_json(" \n{"));
  EXPECT_FALSE(is_json("PK"));
  EXPECT_FALSE(is_json(" "));
}

TEST(ShardIndex, RefusesAWrongMap) {
  const std::string no_map = "it holds no \"weight_map\" from names to files";
  EXPECT_EQ(problem("{}"), no_map);
  EXPECT_EQ(problem("[]"), no_map);
  EXPECT_EQ(problem(R"({"weight_map":["a"]})"), no_map);
  EXPECT_EQ(problem(R"({"weight_map":{}})"), "its \"weight_map\" is empty");
  EXPECT_EQ(problem(R"({"weight_map":{"a":3}})"), "the file of \"a\" is no string");
  EXPECT_EQ(problem(R"({"weight_map":{"a":"x","a":"y"}})"), "it names \"a\" twice");
  EXPECT_EQ(problem(R"({"weight_map":{"a":"x"},"weight_map":{"b":"y"}})"), "it names \"weight_map\" twice");
  EXPECT_EQ(problem(R"({"weight_map":)"), "it is no JSON");
  EXPECT_EQ(problem("{\"\xff\":1}"), "it is no JSON");
  EXPECT_EQ(problem("{\"a\":" + std::string(1'000'000, '[')), "it is nested too deep");
}

TEST(ShardIndex, RefusesOtherFolders) {
  for (const char* file : {"../x", "/etc/passwd", "a/b", "..", ".", ""}) {
    EXPECT_EQ(problem(std::string(R"({"weight_map":{"a":")") + file + "\"}}"),
              std::string("it names the file \"") + file + "\", but shards must lie beside it");
  }
  EXPECT_EQ(problem(R"({"weight_map":{"a":"x\\y"}})"), "it names the file \"x\\y\", but shards must lie beside it");
  EXPECT_EQ(problem(R"({"weight_map":{"a":"x\u0000y"}})"),
            "it names the file \"x\\x00y\", but shards must lie beside it");
}

}  // namespace
}  // namespace dime::io
