// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object a line. Keys, once published, stay.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/file_descriptor.hpp"

namespace dime {

/// What one update left behind. Numbers keep their full double precision in the file; a number that is not finite is
/// written as null.
struct MetricsLine {
  std::int64_t step = 0;  ///< updates done: 1 in the first line
  double epoch = 0;
  double texts_epoch = 0;
  double lr = 0;                                       ///< the rate that this update used
  double loss = 0;                                     ///< the weighted total
  std::vector<std::pair<std::string, double>> losses;  ///< unweighted, by name
  double grad_norm = 0;
  double loss_scale = 1;
  std::int64_t skipped = 0;
  std::int64_t broken_rows = 0;
  double images_per_second = 0;
  double data_seconds = 0;
  double step_seconds = 0;
  std::int64_t memory_mib = 0;                                       ///< resident, of this process
  nlohmann::ordered_json extras = nlohmann::ordered_json::object();  ///< further keys, after those above

  /// The line without its end. Throws ArgumentError when an extra has one of the names above.
  std::string text() const;
};

/// The resident memory of this process in MiB.
std::int64_t resident_memory_mib();

/// Appends lines; each one is in the file when `write` returns.
class MetricsWriter {
 public:
  /// `resumed_step`: the lines of later steps, which the run is about to do again, are removed first; so is a last
  /// line that a kill cut short. Throws IoError, or DataError when an earlier line is no metrics line.
  explicit MetricsWriter(std::filesystem::path path, std::optional<std::int64_t> resumed_step = std::nullopt);

  /// Throws IoError.
  void write(const MetricsLine& line);

 private:
  std::filesystem::path path_;
  io::FileDescriptor file_;
};

}  // namespace dime
