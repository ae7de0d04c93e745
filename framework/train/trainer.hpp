// SPDX-License-Identifier: Apache-2.0
// The loop: batch, step, hooks; and what it needs to stop and to go on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/stream.hpp"
#include "train/checkpoint.hpp"
#include "train/schedule.hpp"
#include "train/step.hpp"

namespace dime {

/// What hooks hear after each update.
struct StepReport {
  std::int64_t step = 0;  ///< updates done
  std::int64_t total = 0;
  double epoch = 0;
  double texts_epoch = 0;
  double lr = 0;
  StepResult result;
  std::int64_t rows = 0;    ///< rows of the stream that defines the epoch, so far in this process's run
  double data_seconds = 0;  ///< waiting for the batch of this update
  double step_seconds = 0;  ///< model and losses of this update
  std::vector<BrokenRow> broken;
};

class Trainer;

/// Acts between updates. Hooks run in the order in which they were given.
class Hook {
 public:
  virtual ~Hook() = default;
  /// Before the first update of this process.
  virtual void begin(Trainer&) {}
  virtual void after_step(Trainer&, const StepReport&) {}
  /// The batch of a step that failed: its loss is not finite, or a plugin threw; the run ends after this. May throw a
  /// TrainError that says more than `why`.
  virtual void failed(Trainer&, const Batch&, const std::string&) {}
  /// The last call, whether the run is complete or was asked to stop.
  virtual void finish(Trainer&, bool) {}
};

/// The streams of a run; any may be null.
struct Streams {
  std::unique_ptr<Stream> images;
  std::unique_ptr<Stream> texts;
  std::unique_ptr<Stream> pairs;

  /// The stream that defines an epoch: images, else pairs, else texts.
  const Stream& main() const;
};

/// The next batch of each stream that is there.
Batch next_batch(Streams& streams);

/// The share of broken rows that ends a run, by stream.
struct BrokenRates {
  double images = 0.01;
  double texts = 0.01;
  double pairs = 0.01;
};

/// Everything a run is made of.
struct TrainerParts {
  std::shared_ptr<Model> student;
  Streams streams;
  std::unique_ptr<Step> step;
  CheckpointTensors tensors;
  Schedule schedule;
  std::int64_t total = 0;
  BrokenRates broken_rates;
  std::optional<double> stop_after;  ///< seconds of wall time
};

/// Where a run's time went, in seconds.
struct TimeShares {
  double data = 0;
  double step = 0;
  double hooks = 0;
  double wall = 0;
  double paused = 0;  ///< evaluations and checkpoints
};

class Trainer {
 public:
  explicit Trainer(TrainerParts parts, TrainState state);

  /// Goes on from `checkpoint`. Call before `run`.
  void resume(const std::filesystem::path& checkpoint);
  /// Updates until the total, a signal, or `stop_after`. True when the run is complete.
  /// Throws TrainError for a loss that is not finite or too many broken rows.
  bool run(const std::vector<std::unique_ptr<Hook>>& hooks);

  Model& student() { return *parts_.student; }
  TrainState state() const;
  const CheckpointTensors& tensors() const { return parts_.tensors; }
  std::int64_t total() const { return parts_.total; }
  const Streams& streams() const { return parts_.streams; }
  /// Updates in one epoch.
  double epoch() const { return parts_.streams.main().plan().batches_per_epoch(); }
  const TimeShares& times() const { return times_; }
  /// Runs `work` (an evaluation, a checkpoint) outside the loop's own time.
  void pause(const std::function<void()>& work);
  /// Why the run stopped early; empty when it did not.
  const std::string& stopped_by() const { return stopped_by_; }

 private:
  StepReport advance(const std::vector<std::unique_ptr<Hook>>& hooks);
  [[noreturn]] void fail(const Batch& batch, const std::string& why, const std::vector<std::unique_ptr<Hook>>& hooks);
  void count_broken(const Batch& batch, StepReport& report);
  void check_broken(const StepReport& report) const;

  TrainerParts parts_;
  TrainState state_;
  TimeShares times_;
  std::int64_t rows_ = 0;
  std::string stopped_by_;
};

}  // namespace dime
