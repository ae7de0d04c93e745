// SPDX-License-Identifier: Apache-2.0
// The built program as a user runs it, and toy experiments for it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/scratch_folder.hpp"

namespace dime::test {

using Words = std::vector<std::string>;

/// What a run of the program left.
struct Outcome {
  int status = -1;  ///< the exit status; -1 when a signal ended it
  int signal = 0;   ///< the signal that ended it
  std::string out;
  std::string err;
};

struct Conditions {
  std::filesystem::path folder;              ///< the current folder
  std::map<std::string, std::string> env{};  ///< over this process's own
  std::uint64_t file_bytes = 0;              ///< the longest file that may be written, as on a full disk; 0: no limit
  std::filesystem::path out{};               ///< where the standard output goes; empty: into Outcome::out
  bool closed = false;                       ///< without standard input, output and error
};

/// The program while it runs. Ended by SIGKILL when it outlives this object or a minute.
class Running {
 public:
  Running(const Words& words, const Conditions& conditions);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void signal(int number) const;
  bool running();
  Outcome wait();

 private:
  std::string slurp(const std::string& name) const;

  ScratchFolder output_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

/// The folder of tests/golden/trajectory_vit.
std::filesystem::path golden_folder();

/// A scratch folder with the experiment toy.yaml: 1280 images, 96 sentences, a model of 39,136 parameters, 8 steps.
class CliTest : public testing::Test {
 protected:
  CliTest();

  Outcome dime(const Words& words) const;
  /// `dime train toy.yaml --run-dir NAME` with more words; fails the test when it fails.
  void train(const std::string& name, const Words& more = {}) const;
  Words train_words(const std::string& name, const Words& more = {}) const;
  /// Ends with `status` and exactly the line "dime: MESSAGE" on standard error (the last line after a started run).
  void expect_error(const Outcome& outcome, const std::string& message, int status = 1) const;
  void expect_train_error(const Words& more, const std::string& message) const;

  /// The golden shards under `data/`, to be broken by a test. Without indexes.
  void copy_data() const;
  /// Rewrites row `i` of data/NAME as its key and `payload`.
  void set_payload(const std::string& name, std::size_t i, const std::string& payload) const;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  std::vector<nlohmann::json> metrics(const std::string& run) const;
  nlohmann::json json(const std::string& name) const { return nlohmann::json::parse(folder_.read(name)); }
  /// `text` without this folder's own path.
  std::string shown(std::string text) const;
  /// The runs have the same final weights and optimizer state, byte by byte, and the same metrics but for times.
  void expect_same_end(const std::string& a, const std::string& b, const std::string& checkpoint) const;

  Conditions conditions_;
  const ScratchFolder folder_;
};

/// The lines of a text.
std::vector<std::string> lines_of(const std::string& text);

/// A metrics line without what the clock decides.
nlohmann::json without_times(nlohmann::json line);

}  // namespace dime::test
