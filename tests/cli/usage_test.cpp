// SPDX-License-Identifier: Apache-2.0
// A wrong command line: one line, status 2.
#include "cli/program.hpp"

namespace dime::test {
namespace {

class Usage : public CliTest {
 protected:
  void expect_usage_error(const Words& words, const std::string& message) const {
    const Outcome outcome = dime(words);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.err, "dime: " + message + "\n");
    EXPECT_EQ(outcome.out, "");
  }
};

TEST_F(Usage, NoCommand) { expect_usage_error({}, "A subcommand is required; see `dime --help`"); }

TEST_F(Usage, UnknownCommand) {
  expect_usage_error(
      {"trian", "toy.yaml"},
      "unknown command \"trian\" (did you mean \"train\"?); there are: train, eval, extract, pack, check, "
      "convert, describe, bench, doctor; see `dime --help`");
  expect_usage_error(
      {"bench", "laoder", "toy.yaml"},
      "unknown command \"laoder\" (did you mean \"loader\"?); there are: loader, loss, step; see `dime bench --help`");
}

TEST_F(Usage, UnknownFlag) {
  expect_usage_error({"train", "toy.yaml", "--fast"},
                     "The following argument was not expected: --fast; see `dime train --help`");
  expect_usage_error({"--fast"}, "A subcommand is required; see `dime --help`");
}

TEST_F(Usage, MissingWords) {
  expect_usage_error({"train"}, "experiment is required; see `dime train --help`");
  expect_usage_error({"pack", "--stem", "x"}, "--source is required; see `dime pack --help`");
  expect_usage_error({"train", "toy.yaml", "--run-dir"}, "--run-dir: 1 required TEXT missing; see `dime train --help`");
}

TEST_F(Usage, AStrayWordIsNoOverride) {
  for (const std::string command : {"train", "check"}) {
    expect_usage_error({command, "toy.yaml", "train.steps"},
                       "\"train.steps\" is no override: write it as key.path=value; see `dime " + command + " --help`");
  }
  EXPECT_FALSE(exists("runs"));
}

TEST_F(Usage, EmptyWords) {
  expect_usage_error({"train", "toy.yaml", "--run-dir", ""}, "--run-dir: is empty; see `dime train --help`");
  expect_usage_error({"eval", "toy.yaml", "--weights", ""}, "--weights: is empty; see `dime eval --help`");
  expect_usage_error({"check", ""}, "experiment: is empty; see `dime check --help`");
}

TEST_F(Usage, NumbersOfRows) {
  for (const std::string number : {"0", "-1", "abc", "1.5", "99999999999999999999"}) {
    expect_usage_error(
        {"pack", "--source", "{}", "--stem", "x", "--rows-per-shard=" + number},
        "--rows-per-shard: takes a whole number of at least 1, got \"" + number + "\"; see `dime pack --help`");
  }
}

TEST_F(Usage, HelpHasAnExample) {
  for (const std::string command :
       {"train", "eval", "extract", "pack", "check", "convert", "describe", "bench", "doctor"}) {
    const Outcome outcome = dime({command, "--help"});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("Example: dime " + command), std::string::npos) << outcome.out;
  }
  EXPECT_EQ(dime({"--help"}).status, 0);
  EXPECT_TRUE(dime({"--version"}).out.starts_with("dime "));
}

}  // namespace
}  // namespace dime::test
