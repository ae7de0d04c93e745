// SPDX-License-Identifier: Apache-2.0
#include "report/environment.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <regex>

#include <dime/build.hpp>
#include <dime/error.hpp>

#include "report/log.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;
using test::error_text;
using test::ScratchFolder;

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

RunFacts facts() {
  RunFacts made;
  made.libtorch = "2.11.0";
  made.device = "cpu";
  made.processes = 2;
  made.command = {"dime", "train", "a.yaml"};
  made.plugins = {{"loss", "vl", "/opt/vl.so", "dime-abi=1", "0123456789abcdef"}};
  return made;
}

TEST(Environment, SaysWhatTheRunRanOn) {
  const auto all = describe_environment(facts());
  EXPECT_EQ(keys_of(all),
            (std::vector<std::string>{"time", "dime", "commit", "compiler", "stamp", "libtorch", "device", "processes",
                                      "threads", "cpu", "cores", "memory_mib", "kernel", "command", "plugins"}));
  EXPECT_EQ(all["dime"], DIME_VERSION);
  EXPECT_EQ(all["libtorch"], "2.11.0");
  EXPECT_EQ(all["plugins"].dump(),
            R"([{"kind":"loss","name":"vl","path":"/opt/vl.so","stamp":"dime-abi=1","xxhash":"0123456789abcdef"}])");
  EXPECT_GT(all["memory_mib"], 0);
  EXPECT_GT(all["cores"], 0);
  EXPECT_TRUE(all["kernel"].get<std::string>().starts_with("Linux "));
  EXPECT_TRUE(std::regex_match(all["commit"].get<std::string>(), std::regex("[0-9a-f]{40}|unknown")));
}

TEST(Environment, LeavesTheMachinesNameOut) {
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  const auto all = describe_environment(facts());
  for (const auto& [key, value] : all.items()) EXPECT_NE(value, name.data()) << key;
}

TEST(Environment, AResumedRunKeepsTheEarlierOnes) {
  const ScratchFolder scratch;
  const auto path = scratch / "environment.json";
  for (const int processes : {1, 2, 3}) {
    auto now = facts();
    now.processes = processes;
    write_environment(path, now);
  }
  const auto all = Json::parse(scratch.read(path));
  EXPECT_EQ(all["processes"], 3);
  ASSERT_EQ(all["earlier"].size(), 2U);
  EXPECT_EQ(all["earlier"][0]["processes"], 1);
  EXPECT_EQ(all["earlier"][1]["processes"], 2);
  EXPECT_FALSE(all["earlier"][1].contains("earlier"));
}

TEST(Environment, TimesAreUtc) {
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"))) << utc_now();
}

TEST(Environment, HashesAreThoseOfXxhsum) {
  const ScratchFolder scratch;
  scratch.write("empty", "");
  scratch.write("abc", "abc");
  EXPECT_EQ(file_xxhash(scratch / "empty"), "2d06800538d394c2");  // XXH3's published value for no bytes
  EXPECT_EQ(file_xxhash(scratch / "abc"), "78af5f94892f3950");
  EXPECT_THROW(file_xxhash(scratch / "none"), IoError);
}

TEST(Log, GoesToStderrAndToTheFile) {
  const ScratchFolder scratch;
  testing::internal::CaptureStderr();
  const auto log = make_log({scratch / "log.txt", false, false});
  log->info("step {3}");
  log->warn("slow");
  log->error("stopped");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "step {3}\nwarning: slow\nerror: stopped\n");
  const std::string time = R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} )";
  const std::regex lines(time + "info step \\{3\\}\n" + time + "warning slow\n" + time + "error stopped\n");
  EXPECT_TRUE(std::regex_match(scratch.read("log.txt"), lines)) << scratch.read("log.txt");
}

TEST(Log, AQuietOneSaysOnlyWhatIsWrong) {
  testing::internal::CaptureStderr();
  const auto log = make_log({"", true, false});
  log->info("step 3");
  log->warn("slow");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: slow\n");
}

TEST(Log, AResumedRunAddsToTheFile) {
  const ScratchFolder scratch;
  scratch.write("log.txt", "before\n");
  make_log({scratch / "log.txt", true, false})->info("after");
  const auto text = scratch.read("log.txt");
  EXPECT_TRUE(text.starts_with("before\n"));
  EXPECT_TRUE(text.ends_with(" info after\n"));
}

TEST(Log, OnATerminalTheProgressLineIsCleared) {
  testing::internal::CaptureStderr();
  make_log({"", false, true})->info("hello");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\r\x1b[Khello\n");
}

TEST(Log, AFileThatCannotBeWrittenIsAnError) {
  const ScratchFolder scratch;
  const auto path = scratch / "none/log.txt";
  EXPECT_EQ(error_text<IoError>([&] {
              make_log({path, false, false});
            }),
            "cannot write " + path.string() + ": No such file or directory");
}

}  // namespace
}  // namespace dime
