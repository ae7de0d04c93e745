// SPDX-License-Identifier: Apache-2.0
// The log of one run: a logger that is passed along; there is no global one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace spdlog {
class logger;
}

namespace dime {

/// spdlog behind a face without its headers: they and LibTorch's each bring a fmt of their own.
class Logger {
 public:
  explicit Logger(std::shared_ptr<spdlog::logger> sink) : sink_(std::move(sink)) {}
  void info(const std::string& line);
  void warn(const std::string& line);
  void error(const std::string& line);
  /// Adds an error to the file only, for what is said on standard error elsewhere.
  void record_error(const std::string& line);

 private:
  std::shared_ptr<spdlog::logger> sink_;
};

using Log = std::shared_ptr<Logger>;

struct LogOptions {
  std::filesystem::path file;  ///< lines are added to it; empty: standard error only
  bool quiet = false;          ///< standard error gets warnings and errors only (every process but the first)
  bool terminal = false;       ///< clear a progress line before each line of standard error
};

/// A logger to standard error (the bare text; warnings and errors say so) and to `file` (with time and level). Each
/// line is in the file when the call returns. Throws IoError.
Log make_log(const LogOptions& options = {});

}  // namespace dime
