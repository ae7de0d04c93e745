// SPDX-License-Identifier: Apache-2.0
// Checkpoints: folders that are written aside, synced and renamed, so that a kill at any instant leaves whole ones
// only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/optimizer.hpp"

namespace dime {

/// `state.json`: what a run needs beside tensors to go on exactly where it was.
struct TrainState {
  std::int64_t step = 0;  ///< updates done; also the number of batches taken from each stream
  std::int64_t seed = 0;
  std::int64_t skipped = 0;
  std::int64_t broken_rows = 0;
  std::map<std::string, std::int64_t> broken_by_stream;
  std::int64_t rows_seen = 0;
  double loss_scale = 1;
  std::int64_t loss_scale_growth = 0;
  int compute_threads = 0;
  int processes = 1;
  std::string cpu_capability;
  std::string device;
  std::string precision;  ///< as in the experiment: fp32, bf16 or fp16
};

/// The tensors of a checkpoint, by file.
struct CheckpointTensors {
  NamedTensors model;      ///< model.safetensors
  NamedTensors losses;     ///< losses.safetensors; no file when there are none
  NamedTensors optimizer;  ///< optimizer.safetensors
  std::string about{};     ///< what the model is, see model_metadata; "" says nothing
};

/// checkpoints/step_0000000240 in `folder`.
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::int64_t step);

/// Writes a checkpoint and removes all but it and the `keep` - 1 newest before it (0 keeps all). Returns its path.
/// Throws IoError, naming the last good checkpoint, when it cannot be written; nothing half-written keeps the name.
std::filesystem::path save_checkpoint(const std::filesystem::path& folder, const TrainState& state,
                                      const CheckpointTensors& tensors, std::int64_t keep);

/// The newest checkpoint of `folder` whose files agree with their checksums, or nothing when there is none.
/// `skipped` hears of each newer one that is damaged.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder,
                                                       const std::function<void(const std::string&)>& skipped = {});

/// Why a checkpoint cannot be used (a file is missing or does not agree with its checksum); empty when it can.
std::string checkpoint_damage(const std::filesystem::path& checkpoint);

/// Reads state.json. Throws DataError when it is not one that this version can read.
TrainState read_state(const std::filesystem::path& checkpoint);
/// Copies the files' tensors into `tensors`. Throws WeightsError.
void load_checkpoint(const std::filesystem::path& checkpoint, const CheckpointTensors& tensors);

}  // namespace dime
