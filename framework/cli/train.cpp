// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <ATen/Parallel.h>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "config/yaml.hpp"
#include "eval/tasks.hpp"
#include "plugin/stamp.hpp"
#include "report/environment.hpp"
#include "report/run_folder.hpp"
#include "report/text_file.hpp"
#include "train/build.hpp"
#include "train/device.hpp"
#include "train/hooks.hpp"
#include "train/weights.hpp"

namespace dime::cli {
namespace {

struct TrainCommand {
  std::string experiment;
  std::vector<std::string> words;
  std::string run_dir;
  bool resume = false;
};

RunFacts run_facts(const LoadedExperiment& loaded, const RunModels& models, const Program& program) {
  RunFacts facts;
  facts.libtorch = DIME_LIBTORCH_VERSION;
  facts.device = models.device.str();
  facts.compute_threads = at::get_num_threads();
  facts.decode_threads = decode_threads(loaded.experiment.threads);
  facts.command = program.words;
  for_each_component(loaded.experiment, [&](const std::string& kind, const Component& component) {
    const PluginFile& file = loaded.plugins->file(kind, component.type);
    facts.plugins.push_back({kind, component.type, file.file.string(), loaded.plugins->load(kind, component.type).stamp,
                             file_xxhash(file.file)});
  });
  return facts;
}

/// The periodic evaluations of the experiment, writing results.json.
void add_evaluations(const LoadedExperiment& loaded, const std::shared_ptr<Evaluator>& evaluator, const Trainer& trainer,
                     const RunPaths& paths, const Log& log, std::vector<std::unique_ptr<Hook>>& hooks) {
  for (const auto& [name, entry] : loaded.experiment.evaluate) {
    const std::int64_t every = entry.every ? entry.every->steps(trainer.epoch()) : 0;
    const std::string experiment = loaded.experiment.name;
    hooks.push_back(std::make_unique<PeriodicHook>(every, [=, task = name](Trainer&, std::int64_t step) {
      const TaskResult result = evaluator->run(task, step);
      add_result(paths.results(), experiment, result);
      log->info("step " + std::to_string(step) + "\n" + results_table({result}));
    }));
  }
}

/// Where a resumed run goes on, or nothing; says so, and keeps the threads that the run began with.
std::optional<std::filesystem::path> find_resume(const RunFolder& folder, const TrainCommand& command, const Log& log) {
  if (!command.resume) return std::nullopt;
  const auto checkpoint =
      newest_checkpoint(folder.paths().checkpoints(), [&](const std::string& line) { log->warn(line); });
  if (!checkpoint) log->info("no checkpoint in " + folder.paths().root.string() + " yet: starting from the beginning");
  return checkpoint;
}

void keep_conditions(const TrainState& saved, const LoadedExperiment& loaded, const RunModels& models, const Log& log) {
  std::vector<std::string> changed;
  if (saved.compute_threads != at::get_num_threads()) {
    if (loaded.experiment.threads.compute.count == 0) at::set_num_threads(saved.compute_threads);
    else changed.push_back("threads");
  }
  if (saved.cpu_capability != at::get_cpu_capability()) changed.push_back("CPU capability");
  if (saved.device != (models.device.is_cuda() ? "cuda" : "cpu")) changed.push_back("device");
  if (saved.seed != loaded.experiment.seed) changed.push_back("seed");
  if (changed.empty()) return;
  log->warn("the run goes on equal to rounding only: " + join(changed) + " differ from the checkpoint's");
}

int run_train(const TrainCommand& command, const Program& program) {
  const LoadedExperiment loaded = load_experiment(command.experiment, split_words(command.words).overrides, program.installation);
  const auto root = command.run_dir.empty() ? default_run_folder(loaded.experiment.name) : std::filesystem::path(command.run_dir);
  WorldOfOne comm;
  const RunFolder folder(root, command.resume);
  const RunPaths& paths = folder.paths();
  const Log log = make_log({paths.log(), false, stderr_is_terminal()});
  const RunModels models = build_models(loaded);
  if (loaded.experiment.models.teacher && !loaded.experiment.models.teacher->init && models.teacher != nullptr) {
    log->warn("models.teacher has no init: its weights are random");
  }
  Trainer trainer = build_trainer(loaded, models, comm);
  const auto checkpoint = find_resume(folder, command, log);
  if (checkpoint) {
    keep_conditions(read_state(*checkpoint), loaded, models, log);
    trainer.resume(*checkpoint);
    log->info("going on from " + checkpoint->string());
  }
  replace_file(paths.experiment(), to_yaml(loaded.resolved));
  write_environment(paths.environment(), run_facts(loaded, models, program));

  const TrainOptions& train = loaded.experiment.train;
  const auto resumed = checkpoint ? std::optional(trainer.state().step) : command.resume ? std::optional<std::int64_t>(0) : std::nullopt;
  log->info(loaded.experiment.name + ": " + std::to_string(trainer.total()) + " steps, student of " +
            std::to_string(count_parameters(*models.student)) + " parameters, " + models.device.str() + ", " +
            train.precision + ", run folder " + root.string());
  std::vector<std::unique_ptr<Hook>> hooks;
  hooks.push_back(std::make_unique<LogHook>(paths, log, train.log_every, trainer.total(), resumed));
  const auto evaluator = std::make_shared<Evaluator>(loaded, models.device, models.student);
  add_evaluations(loaded, evaluator, trainer, paths, log, hooks);
  hooks.push_back(std::make_unique<CheckpointHook>(paths.checkpoints(), log,
                                                   train.checkpoint.every ? train.checkpoint.every->steps(trainer.epoch()) : 0,
                                                   train.checkpoint.keep));
  const bool complete = trainer.run(hooks);
  const std::string again = "dime train " + command.experiment + " --run-dir " + root.string() + " --resume";
  log->info(complete ? "done: " + root.string()
                     : "stopped by " + trainer.stopped_by() + " at step " + std::to_string(trainer.state().step) +
                           "; to go on: " + again);
  return 0;
}

}  // namespace

void add_train(CLI::App& app, const Program& program, Action& chosen) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", "Trains the student of an experiment");
  sub->add_option("experiment", command->experiment, "The experiment file")->required();
  sub->add_option("overrides", command->words, "key.path=value, over what the file says");
  sub->add_option("--run-dir", command->run_dir, "The run folder (default runs/NAME)");
  sub->add_flag("--resume", command->resume, "Go on from the newest checkpoint of the run folder");
  sub->footer("Example: dime train experiments/quickstart/distil.yaml train.epochs=2 --run-dir runs/short");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_train(*command, program); }; });
}

}  // namespace dime::cli
