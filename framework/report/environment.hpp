// SPDX-License-Identifier: Apache-2.0
// What a run ran on: `environment.json`. The machine's name is left out on purpose.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace dime {

/// A plugin that the run opened.
struct PluginRecord {
  std::string kind;
  std::string name;
  std::string path;
  std::string stamp;
  std::string xxhash;  ///< of the file, in hexadecimal
};

/// What only the caller knows.
struct RunFacts {
  std::string libtorch;  ///< the version that LibTorch itself reports
  std::string device;    ///< "cpu" or the device's name
  int processes = 1;
  int compute_threads = 1;
  int decode_threads = 1;
  std::vector<std::string> command;  ///< the words of the command line
  std::vector<PluginRecord> plugins;
};

/// The hash of bytes (XXH3, 64 bits) as 16 hexadecimal digits.
std::string text_xxhash(std::string_view bytes);
/// The hash of a file's bytes, likewise. Throws IoError.
std::string file_xxhash(const std::filesystem::path& path);

/// Everything that environment.json says of this process, now.
nlohmann::ordered_json describe_environment(const RunFacts& facts);

/// Writes environment.json. What the file said before, of the run that is resumed, goes to its list `earlier`.
/// Throws IoError, or DataError when the file that is there is not such a file.
void write_environment(const std::filesystem::path& path, const RunFacts& facts);

/// "2026-01-31T12:00:00Z".
std::string utc_now();

}  // namespace dime
