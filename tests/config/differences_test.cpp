// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/differences.hpp"
#include "config/files.hpp"

namespace dime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> between_texts(const std::string& before, const std::string& after,
                                       const std::vector<std::string>& leave_out = {}) {
  return differences(test::yaml(before), test::yaml(after), leave_out);
}

TEST(Differences, EachHasItsPath) {
  EXPECT_THAT(
      between_texts("{train: {lr: 1, steps: 3}, losses: {vl: {}}}", "{train: {lr: 2, steps: 3}, losses: {fd: 1}}"),
      ElementsAre("train.lr: 1 -> 2", "losses.vl: a map -> absent", "losses.fd: absent -> 1"));
  EXPECT_THAT(between_texts("a: {b: 1}", "a: [1]"), ElementsAre("a: a map -> a list"));
}

TEST(Differences, ListsDifferAsAWhole) {
  EXPECT_THAT(between_texts("a: [1, {b: 2}]", "a: [1, {b: 3}]"), ElementsAre("a: a list -> a list"));
  EXPECT_THAT(between_texts("a: [1]", "a: [1, 2]"), ElementsAre("a: a list -> a list"));
}

TEST(Differences, WhatMeansTheSameIsNone) {
  EXPECT_THAT(between_texts("{a: 1, b: {c: x, d: y}, e: null}", "{b: {d: 'y', c: x}, a: \"1\"}"), IsEmpty());
}

TEST(Differences, AreOneLineEach) {
  EXPECT_THAT(between_texts("{\"a\\nb\": 1}", "{\"a\\nb\": \"2\\n3\"}"), ElementsAre("a\\x0Ab: 1 -> 2\\x0A3"));
}

TEST(Differences, WhatIsLeftOutDoesNotCount) {
  EXPECT_THAT(between_texts("{train: {steps: 1, lr: 1}, plugins: [a]}", "{train: {steps: 2, lr: 2}}",
                            {"train.steps", "plugins"}),
              ElementsAre("train.lr: 1 -> 2"));
  EXPECT_THAT(between_texts("train: {steps: 1}", "train: {lr: 2}", {"train"}), IsEmpty());
}

}  // namespace
}  // namespace dime
