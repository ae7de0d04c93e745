// SPDX-License-Identifier: Apache-2.0
// The folder that one run writes, and the lock that keeps two runs out of it.
#pragma once

#include <filesystem>
#include <string>

#include "io/file_descriptor.hpp"

namespace dime {

/// The names of what lies in a run folder. Touches no file.
struct RunPaths {
  std::filesystem::path root;

  std::filesystem::path experiment() const { return root / "experiment.yaml"; }
  std::filesystem::path environment() const { return root / "environment.json"; }
  std::filesystem::path log() const { return root / "log.txt"; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path tensorboard() const { return root / "tensorboard"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path results() const { return root / "results.json"; }
  std::filesystem::path broken_rows() const { return root / "broken_rows.log"; }
  std::filesystem::path lock() const { return root / ".lock"; }
};

/// Where a run goes when the command line names no folder: `runs/NAME` under the current folder.
/// Throws ConfigError when `name` is empty or cannot be one folder's name.
std::filesystem::path default_run_folder(const std::string& name);

/// Holds a run folder: made if need be, writable, and locked for as long as this object lives (also against other
/// processes; the lock goes with the process however it ends). Only the first of several processes makes one.
class RunFolder {
 public:
  /// Throws ConfigError when the folder holds something and `resume` is false, when with `resume` what it holds is no
  /// run, or when another run is in it;
  /// IoError when it cannot be made or written.
  RunFolder(const std::filesystem::path& root, bool resume);

  const RunPaths& paths() const { return paths_; }
  /// True when the folder held something before: there may be a checkpoint to go on from.
  bool resumed() const { return resumed_; }
  /// False on a file system that knows no locks.
  bool locked() const { return locked_; }

 private:
  void refuse_file() const;
  bool holds_something() const;
  bool holds_a_run() const;
  void take_lock();

  RunPaths paths_;
  io::FileDescriptor lock_;
  bool locked_ = false;
  bool resumed_ = false;
};

}  // namespace dime
