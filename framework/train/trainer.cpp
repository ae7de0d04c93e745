// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dime/error.hpp>
#include <dime/random.hpp>

#include "train/freeze.hpp"
#include "train/signals.hpp"

namespace dime {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string short_text(double x) {
  std::ostringstream text;
  text << x;
  return text.str();
}

constexpr std::int64_t kRowsBeforeRate = 100;  // below this a rate says nothing before the run's end

void take(std::unique_ptr<Stream>& stream, StreamBatch& into) {
  if (stream != nullptr) into = stream->next();
}

}  // namespace

const Stream& Streams::main() const { return images ? *images : pairs ? *pairs : *texts; }

Batch next_batch(Streams& streams) {
  Batch batch;
  take(streams.images, batch.images);
  take(streams.texts, batch.texts);
  take(streams.pairs, batch.pairs);
  return batch;
}

Trainer::Trainer(TrainerParts parts, TrainState state) : parts_(std::move(parts)), state_(std::move(state)) {}

TrainState Trainer::state() const {
  TrainState s = state_;
  s.loss_scale = parts_.step->scaler().value();
  s.loss_scale_growth = parts_.step->scaler().growth();
  return s;
}

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const TrainState saved = read_state(checkpoint);
  load_checkpoint(checkpoint, parts_.tensors);
  // Another precision's scale says nothing of this one's gradients.
  if (saved.precision == state_.precision) {
    parts_.step->scaler().restore(saved.loss_scale, saved.loss_scale_growth);
  }
  state_.step = saved.step;
  state_.skipped = saved.skipped;
  state_.broken_rows = saved.broken_rows;
  state_.broken_by_stream = saved.broken_by_stream;
  state_.rows_seen = saved.rows_seen;
  state_.compute_threads = at::get_num_threads();  // the saved number may have been taken over since
  for (auto* stream : {&parts_.streams.images, &parts_.streams.texts, &parts_.streams.pairs}) {
    if (*stream != nullptr) (*stream)->seek(saved.step);
  }
}

void Trainer::count_broken(const Batch& batch, StepReport& report) {
  for (const auto* part : {&batch.images, &batch.texts, &batch.pairs}) {
    state_.rows_seen += part->size();
    report.broken.insert(report.broken.end(), part->broken.begin(), part->broken.end());
  }
  for (const auto& row : report.broken) {
    if (row.retry > 0) continue;
    ++state_.broken_rows;
    ++state_.broken_by_stream[row.stream];
  }
}

void Trainer::fail(const Batch& batch, const std::string& why, const std::vector<std::unique_ptr<Hook>>& hooks) {
  for (const auto& hook : hooks) hook->failed(*this, batch, why);
  throw TrainError(why);
}

StepReport Trainer::advance(const std::vector<std::unique_ptr<Hook>>& hooks) {
  StepReport report;
  const double start = now();
  const Batch batch = next_batch(parts_.streams);
  const double loaded = now();
  count_broken(batch, report);
  report.lr = parts_.schedule.at(state_.step);
  // Element-wise dropout draws from LibTorch's generator: keyed by step, so that a resumed run draws the same.
  at::manual_seed(random_key({static_cast<std::uint64_t>(state_.seed), 41, static_cast<std::uint64_t>(state_.step)}));
  try {
    report.result = parts_.step->run(batch, state_.step, report.lr);
  } catch (const TrainError& e) {
    fail(batch, e.what(), hooks);
  } catch (const std::exception& e) {
    const std::string text = e.what();
    fail(batch, "step " + std::to_string(state_.step + 1) + ": " + text.substr(0, text.find('\n')), hooks);
  }
  const double done = now();
  ++state_.step;
  state_.skipped += report.result.skipped ? 1 : 0;
  rows_ += parts_.streams.main().plan().batch_size();
  report.step = state_.step;
  report.total = parts_.total;
  report.epoch = static_cast<double>(state_.step) / epoch();
  report.texts_epoch = parts_.streams.texts ? batch.texts.epoch : 0;
  report.rows = rows_;
  report.data_seconds = loaded - start;
  report.step_seconds = done - loaded;
  times_.data += report.data_seconds;
  times_.step += report.step_seconds;
  return report;
}

void Trainer::check_broken(const StepReport& report) const {
  const auto check = [&](const std::string& name, const std::unique_ptr<Stream>& stream, double rate) {
    const auto found = state_.broken_by_stream.find(name);
    if (stream == nullptr || found == state_.broken_by_stream.end()) return;
    const std::int64_t rows = state_.step * stream->plan().batch_size();
    const bool few = rows < kRowsBeforeRate && rate > 0;
    if (few && state_.step < parts_.total) return;
    // One row of a short run is more than any usual rate.
    const double allowed = std::max(rate * static_cast<double>(rows), few ? 1.0 : 0.0);
    if (static_cast<double>(found->second) <= allowed) return;
    const auto last = std::find_if(report.broken.rbegin(), report.broken.rend(),
                                   [&](const BrokenRow& row) { return row.stream == name; });
    throw TrainError("data." + name + ": " + std::to_string(found->second) + " of " + std::to_string(rows) +
                     " rows are broken, more than its broken_rate of " + short_text(rate) +
                     "; broken_rows.log in the run folder lists them" +
                     (last == report.broken.rend() ? "" : ", the last: " + last->reason));
  };
  check("images", parts_.streams.images, parts_.broken_rates.images);
  check("texts", parts_.streams.texts, parts_.broken_rates.texts);
  check("pairs", parts_.streams.pairs, parts_.broken_rates.pairs);
}

bool Trainer::run(const std::vector<std::unique_ptr<Hook>>& hooks) {
  const StopSignals signals;
  const double start = now();
  set_training(*parts_.student, true);
  for (const auto& hook : hooks) hook->begin(*this);
  while (state_.step < parts_.total && stopped_by_.empty()) {
    const StepReport report = advance(hooks);
    const double paused = times_.paused;
    const double before = now();
    for (const auto& hook : hooks) hook->after_step(*this, report);
    times_.hooks += now() - before - (times_.paused - paused);
    check_broken(report);
    if (const char* name = signals.received()) stopped_by_ = name;
    if (parts_.stop_after && now() - start > *parts_.stop_after) stopped_by_ = "stop_after";
  }
  const bool complete = state_.step >= parts_.total;
  times_.wall = now() - start;
  for (const auto& hook : hooks) hook->finish(*this, complete);
  return complete;
}

void Trainer::pause(const std::function<void()>& work) {
  const double before = now();
  work();
  times_.paused += now() - before;
}

}  // namespace dime
