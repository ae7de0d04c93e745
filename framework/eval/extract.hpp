// SPDX-License-Identifier: Apache-2.0
// A model's vectors of a stream's rows, written as shards: what a student is distilled from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "train/build.hpp"

namespace dime {

/// What one job wrote.
struct Extracted {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  double seconds = 0;
  std::filesystem::path list;  ///< the `.list` that names the shards
};

/// What can be said of job `name` before it runs: it is in the file, and its stream has sources to encode. Throws
/// ConfigError.
void check_extraction(const LoadedExperiment& loaded, const std::string& name);

/// Runs job `name` of `extract:`. Vectors are written as the model gives them (not normalised), float32, row i for row
/// i of the source; of texts also a text shard `STEM-text`, one string a row, as every string of a row gets a vector of
/// its own. A broken row is an error: the shards must correspond. `progress(done, total)` is called now and then.
/// Throws ConfigError for a job that is not in the file or that asks for what the stream has not, DataError also for a
/// vector that is not finite or all zeros.
Extracted extract(const LoadedExperiment& loaded, const std::string& name,
                  const std::function<void(std::int64_t, std::int64_t)>& progress);

}  // namespace dime
