// SPDX-License-Identifier: Apache-2.0
#include "cli/resume.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dime/error.hpp>

#include "config/compose.hpp"
#include "config/differences.hpp"

namespace dime::cli {
namespace {

/// Where a resumed run goes on, or nothing; says so.
std::optional<std::filesystem::path> find_checkpoint(const RunPaths& paths, const Log& log) {
  bool damaged = false;
  auto checkpoint = newest_checkpoint(paths.checkpoints(), [&](const std::string& line) {
    damaged = true;
    log->warn(line);
  });
  if (!checkpoint && damaged) {
    throw DataError("every checkpoint in " + paths.checkpoints().string() +
                    " is damaged; remove them to start from the beginning");
  }
  if (!checkpoint) log->info("no checkpoint in " + paths.root.string() + " yet: starting from the beginning");
  return checkpoint;
}

void keep_conditions(const TrainState& saved, const LoadedExperiment& loaded, const RunModels& models, const Log& log) {
  std::vector<std::string> changed;
  if (saved.compute_threads != at::get_num_threads()) {
    if (loaded.experiment.threads.compute.count == 0)
      at::set_num_threads(saved.compute_threads);
    else
      changed.emplace_back("threads");
  }
  if (saved.cpu_capability != at::get_cpu_capability()) changed.emplace_back("CPU capability");
  if (saved.device != (models.device.is_cuda() ? "cuda" : "cpu")) changed.emplace_back("device");
  if (changed.empty()) return;
  log->warn("the run goes on equal to rounding only: " + join(changed) + " differ from the checkpoint's");
}

/// What changes no number of the training.
const std::vector<std::string> kFree = {"name",    "device",           "threads",         "plugins",         "evaluate",
                                        "extract", "train.checkpoint", "train.log_every", "train.stop_after"};

void say_differences(const LoadedExperiment& loaded, const RunPaths& paths, const Log& log) {
  constexpr std::size_t kShown = 8;
  if (!std::filesystem::exists(paths.experiment())) return;
  std::vector<std::string> all;
  try {
    all = differences(compose(paths.experiment(), {}), loaded.resolved, kFree);
  } catch (const ConfigError& e) {
    return log->warn(std::string("what the run began with cannot be read: ") + e.what());
  }
  if (all.empty()) return;
  const std::size_t more = all.size() > kShown ? all.size() - kShown : 0;
  all.resize(all.size() - more);
  log->warn("the experiment is not the one that this run began with: " + join(all, "; ") +
            (more > 0 ? " and " + std::to_string(more) + " more" : "") + "; the run goes on as the file says now");
}

}  // namespace

std::int64_t go_on(const LoadedExperiment& loaded, const RunModels& models, Trainer& trainer, const RunPaths& paths,
                   const Log& log) {
  const auto checkpoint = find_checkpoint(paths, log);
  if (!checkpoint) return 0;
  say_differences(loaded, paths, log);
  keep_conditions(read_state(*checkpoint), loaded, models, log);
  trainer.resume(*checkpoint);
  const std::int64_t step = trainer.state().step;
  log->info("going on from " + checkpoint->string());
  if (step >= trainer.total()) {
    log->info("it is at step " + std::to_string(step) + " of " + std::to_string(trainer.total()) +
              ": nothing is left to train");
  }
  return step;
}

}  // namespace dime::cli
