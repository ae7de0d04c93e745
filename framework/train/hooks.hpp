// SPDX-License-Identifier: Apache-2.0
// What happens between updates: logging, checkpoints, evaluations.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "report/log.hpp"
#include "report/metrics.hpp"
#include "report/progress.hpp"
#include "report/run_folder.hpp"
#include "report/tensorboard.hpp"
#include "train/trainer.hpp"

namespace dime {

/// metrics.jsonl, TensorBoard, the progress line, broken rows, and the batch of a loss that is not finite.
class LogHook final : public Hook {
 public:
  /// `resumed_step` is the step that the run goes on from, or nothing for a new run.
  LogHook(const RunPaths& paths, Log log, std::int64_t every, std::int64_t total,
          std::optional<std::int64_t> resumed_step);
  void after_step(Trainer& trainer, const StepReport& report) override;
  void failed(Trainer& trainer, const Batch& batch, const std::string& why) override;
  void finish(Trainer& trainer, bool complete) override;

 private:
  void note_broken(const StepReport& report);

  RunPaths paths_;
  Log log_;
  std::int64_t every_;
  MetricsWriter metrics_;
  EventWriter events_;
  Progress progress_;
  std::int64_t rows_logged_ = 0;
  double logged_at_;
  bool last_skipped_ = false;
};

/// Writes checkpoints every so many steps, at the end, and when a run is asked to stop.
class CheckpointHook final : public Hook {
 public:
  /// `every` <= 0: only at the end.
  CheckpointHook(std::filesystem::path folder, Log log, std::int64_t every, std::int64_t keep);
  void after_step(Trainer& trainer, const StepReport& report) override;
  void finish(Trainer& trainer, bool complete) override;

 private:
  void save(Trainer& trainer);

  std::filesystem::path folder_;
  Log log_;
  std::int64_t every_;
  std::int64_t keep_;
  std::int64_t saved_ = -1;
};

/// Calls `work(step)` every so many steps, and at the end of a complete run.
class PeriodicHook final : public Hook {
 public:
  using Work = std::function<void(Trainer&, std::int64_t step)>;
  /// `every` <= 0: only at the end. `owed`: the step that a run goes on from lacks its work, as it was ended in
  /// between.
  PeriodicHook(std::int64_t every, Work work, std::function<bool(std::int64_t step)> owed = {});
  void begin(Trainer& trainer) override;
  void after_step(Trainer& trainer, const StepReport& report) override;
  void finish(Trainer& trainer, bool complete) override;

 private:
  void at(Trainer& trainer, std::int64_t step);

  std::int64_t every_;
  Work work_;
  std::function<bool(std::int64_t)> owed_;
  std::int64_t worked_ = -1;
};

}  // namespace dime
