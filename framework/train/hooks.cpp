// SPDX-License-Identifier: Apache-2.0
#include "train/hooks.hpp"

#include <chrono>
#include <iostream>
#include <sstream>

#include <dime/error.hpp>
#include <nlohmann/json.hpp>

#include "report/json_file.hpp"
#include "report/table.hpp"
#include "report/text_file.hpp"
#include "train/device.hpp"

namespace dime {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Progress::Options progress_options(std::int64_t total, std::optional<std::int64_t> resumed_step) {
  Progress::Options options;
  options.total = total;
  options.done = resumed_step.value_or(0);
  options.terminal = stderr_is_terminal();
  return options;
}

/// Takes out what a run that was killed noted of steps after `last`: they are made again.
void keep_broken_until(const std::filesystem::path& path, std::int64_t last) {
  const auto text = read_file_if_any(path);
  if (!text) return;
  std::istringstream lines(*text);
  std::string kept, word;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::int64_t step = 0;
    if (words >> word >> step && step <= last) kept += line + "\n";
  }
  if (kept != *text) replace_file(path, kept);
}

MetricsLine metrics_line(const Trainer& trainer, const StepReport& report, double rate) {
  MetricsLine line;
  const TrainState state = trainer.state();
  line.step = report.step;
  line.epoch = report.epoch;
  line.texts_epoch = report.texts_epoch;
  line.lr = report.lr;
  line.loss = report.result.loss;
  line.losses = report.result.losses;
  line.grad_norm = report.result.grad_norm;
  line.loss_scale = state.loss_scale;
  line.skipped = state.skipped;
  line.broken_rows = state.broken_rows;
  line.images_per_second = rate;
  line.data_seconds = report.data_seconds;
  line.step_seconds = report.step_seconds;
  line.memory_mib = resident_memory_mib();
  if (const auto memory = peak_device_memory_mib(torch::Device(state.device)))
    line.extras["device_memory_mib"] = *memory;
  return line;
}

}  // namespace

LogHook::LogHook(const RunPaths& paths, Log log, std::int64_t every, std::int64_t total,
                 std::optional<std::int64_t> resumed_step)
    : paths_(paths),
      log_(std::move(log)),
      every_(every),
      metrics_(paths.metrics(), resumed_step),
      events_(paths.tensorboard(), resumed_step),
      progress_(std::cerr, progress_options(total, resumed_step)),
      logged_at_(now()) {
  if (resumed_step) keep_broken_until(paths.broken_rows(), *resumed_step);
}

void LogHook::after_step(Trainer& trainer, const StepReport& report) {
  note_broken(report);
  last_skipped_ = report.result.skipped;
  if (report.step != 1 && report.step % every_ != 0 && report.step != report.total) return;
  // Evaluations and checkpoints are not part of the rate.
  const double time = now() - trainer.times().paused;
  const double rate = static_cast<double>(report.rows - rows_logged_) / std::max(time - logged_at_, 1e-9);
  rows_logged_ = report.rows;
  logged_at_ = time;
  const MetricsLine line = metrics_line(trainer, report, rate);
  metrics_.write(line);
  events_.metrics(line);
  progress_.update(report.step, {report.result.loss, rate});
}

void LogHook::note_broken(const StepReport& report) {
  if (report.broken.empty()) return;
  std::ofstream file(paths_.broken_rows(), std::ios::app);
  for (const auto& row : report.broken) {
    file << "step " << report.step << "\t" << row.stream << "\t" << row.reason << "\treplaced by " << row.replacement
         << "\n";
  }
  log_->warn("step " + std::to_string(report.step) + ": " + std::to_string(report.broken.size()) +
             " broken row(s), the first: " + report.broken.front().reason + " (replaced by " +
             report.broken.front().replacement + ")");
}

void LogHook::failed(Trainer& trainer, const Batch& batch, const std::string& why) {
  const std::int64_t step = trainer.state().step + 1;
  nlohmann::ordered_json j{{"step", step}, {"why", why}};
  for (const auto& [name, part] :
       {std::pair{"images", &batch.images}, {"texts", &batch.texts}, {"pairs", &batch.pairs}}) {
    if (part->size() > 0) j[name] = part->keys;
  }
  const auto path = paths_.root / ("failed_step_" + std::to_string(step) + ".json");
  write_json(path, j);
  throw TrainError(why + "; the keys of the batch are in " + path.string());
}

void LogHook::finish(Trainer& trainer, bool) {
  progress_.finish();
  if (last_skipped_) {
    log_->warn("the last update was skipped, as its gradients were not finite (loss scale " +
               number_text(trainer.state().loss_scale, 6) + "): try bf16 or a lower learning rate");
  }
  const TimeShares& t = trainer.times();
  const double busy = std::max(t.wall - t.paused, 1e-9);
  const double loop = busy - t.data - t.step;
  log_->info("time: " + number_text(busy, 1) + " s, model and losses " + percent_text(t.step / busy) +
             ", waiting for data " + percent_text(t.data / busy) + ", loop " + percent_text(loop / busy) +
             "; evaluations and checkpoints apart: " + number_text(t.paused, 1) + " s");
}

CheckpointHook::CheckpointHook(std::filesystem::path folder, Log log, std::int64_t every, std::int64_t keep)
    : folder_(std::move(folder)), log_(std::move(log)), every_(every), keep_(keep) {}

void CheckpointHook::after_step(Trainer& trainer, const StepReport& report) {
  const bool due = report.step == report.total || (every_ > 0 && report.step % every_ == 0);
  if (due) trainer.pause([&] { save(trainer); });
}

void CheckpointHook::finish(Trainer& trainer, bool) { save(trainer); }

void CheckpointHook::save(Trainer& trainer) {
  const std::int64_t step = trainer.state().step;
  if (step == saved_) return;
  save_checkpoint(folder_, trainer.state(), trainer.tensors(), keep_);
  saved_ = step;
}

PeriodicHook::PeriodicHook(std::int64_t every, Work work, std::function<bool(std::int64_t)> owed)
    : every_(every), work_(std::move(work)), owed_(std::move(owed)) {}

void PeriodicHook::begin(Trainer& trainer) {
  const std::int64_t step = trainer.state().step;
  if (step > 0 && owed_ && owed_(step)) at(trainer, step);
}

void PeriodicHook::after_step(Trainer& trainer, const StepReport& report) { at(trainer, report.step); }

void PeriodicHook::at(Trainer& trainer, std::int64_t step) {
  if (every_ <= 0 || step % every_ != 0) return;
  trainer.pause([&] { work_(trainer, step); });
  worked_ = step;
}

void PeriodicHook::finish(Trainer& trainer, bool complete) {
  const std::int64_t step = trainer.state().step;
  if (complete && step != worked_) work_(trainer, step);
}

}  // namespace dime
