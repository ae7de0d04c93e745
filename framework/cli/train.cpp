// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstring>
#include <iostream>

#include <ATen/Parallel.h>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cli/resume.hpp"
#include "config/yaml.hpp"
#include "eval/tasks.hpp"
#include "plugin/stamp.hpp"
#include "report/environment.hpp"
#include "report/run_folder.hpp"
#include "report/text_file.hpp"
#include "train/build.hpp"
#include "train/device.hpp"
#include "train/hooks.hpp"
#include "train/signals.hpp"
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
  for (const PluginLibrary* library : loaded.plugins->opened()) {
    const PluginFile& file = library->file();
    facts.plugins.push_back(
        {file.kind, file.name, file.file.string(), library->descriptor().stamp, file_xxhash(file.file)});
  }
  return facts;
}

/// The periodic evaluations of the experiment, writing results.json.
void add_evaluations(const LoadedExperiment& loaded, const std::shared_ptr<Evaluator>& evaluator,
                     const Trainer& trainer, const RunPaths& paths, const Log& log,
                     std::vector<std::unique_ptr<Hook>>& hooks) {
  for (const auto& [name, entry] : loaded.experiment.evaluate) {
    const std::int64_t every = entry.every ? entry.every->interval(trainer.epoch()) : 0;
    const std::string experiment = loaded.experiment.name;
    hooks.push_back(std::make_unique<PeriodicHook>(
        every,
        [=, task = name](Trainer&, std::int64_t step) {
          const TaskResult result = evaluator->run(task, step);
          add_result(paths.results(), experiment, result);
          log->info("step " + std::to_string(step) + "\n" + results_table({result}));
        },
        [=, task = name](std::int64_t step) { return !has_result(paths.results(), task, step); }));
  }
}

std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("_-./=:,+", c) != nullptr;
  };
  if (std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The command that goes on with a run that was stopped.
std::string resume_command(const TrainCommand& command, const std::filesystem::path& root) {
  std::string text = "dime train " + quoted(command.experiment);
  for (const auto& word : command.words) text += " " + quoted(word);
  return text + " --run-dir " + quoted(root.string()) + " --resume";
}

/// Everything that a run needs, built before its folder is touched.
struct Prepared {
  LoadedExperiment loaded;
  RunModels models;
  Trainer trainer;
};

Prepared prepare(const TrainCommand& command, const Program& program, Communicator& comm) {
  LoadedExperiment loaded = load_experiment(command.experiment, command.words, program.installation);
  const RunModels models = build_models(loaded);
  Trainer trainer = build_trainer(loaded, models, comm);
  check_evaluations(loaded, models);
  return {std::move(loaded), models, std::move(trainer)};
}

std::vector<std::unique_ptr<Hook>> make_hooks(const Prepared& run, const RunPaths& paths, const Log& log,
                                              std::optional<std::int64_t> resumed) {
  const TrainOptions& train = run.loaded.experiment.train;
  const auto& every = train.checkpoint.every;
  std::vector<std::unique_ptr<Hook>> hooks;
  hooks.push_back(std::make_unique<LogHook>(paths, log, train.log_every, run.trainer.total(), resumed));
  // Before the evaluations, which may take long or fail.
  hooks.push_back(std::make_unique<CheckpointHook>(
      paths.checkpoints(), log, every ? every->interval(run.trainer.epoch()) : 0, train.checkpoint.keep));
  const auto evaluator = std::make_shared<Evaluator>(run.loaded, run.models.device, run.models.student);
  add_evaluations(run.loaded, evaluator, run.trainer, paths, log, hooks);
  return hooks;
}

void train_in(const RunFolder& folder, Prepared& run, const TrainCommand& command, const Program& program,
              const Log& log) {
  const RunPaths& paths = folder.paths();
  const Experiment& e = run.loaded.experiment;
  for (const auto& notice : run.models.notices) log->info(notice);
  if (run.models.teacher != nullptr && !has_weights(*e.models.teacher, *run.models.teacher)) {
    log->warn("models.teacher has no init: its weights are random");
  }
  const Streams& streams = run.trainer.streams();
  for (const auto* stream : {&streams.images, &streams.texts, &streams.pairs}) {
    if (*stream == nullptr || !(*stream)->content().keys_differ) continue;
    log->warn("data." + (*stream)->content().stream +
              ": the keys of the features differ from the source's: they are taken row by row");
  }
  const auto resumed =
      command.resume ? std::optional(go_on(run.loaded, run.models, run.trainer, folder.paths(), log)) : std::nullopt;
  replace_file(paths.experiment(), to_yaml(run.loaded.resolved));
  write_environment(paths.environment(), run_facts(run.loaded, run.models, program));
  log->info(e.name + ": " + std::to_string(run.trainer.total()) + " steps, student of " +
            std::to_string(count_parameters(*run.models.student)) + " parameters, " + run.models.device.str() + ", " +
            e.train.precision + ", run folder " + paths.root.string());
  const bool complete = run.trainer.run(make_hooks(run, paths, log, resumed));
  log->info(complete
                ? "done: " + paths.root.string()
                : "stopped by " + run.trainer.stopped_by() + " at step " + std::to_string(run.trainer.state().step) +
                      "; to go on: " + resume_command(command, paths.root));
}

int run_train(const TrainCommand& command, const Program& program) {
  const StopSignals signals;  // one that comes while the run is being built is heard after its first step
  WorldOfOne comm;
  Prepared run = prepare(command, program, comm);
  const RunFolder folder(
      command.run_dir.empty() ? default_run_folder(run.loaded.experiment.name) : std::filesystem::path(command.run_dir),
      command.resume);
  const Log log = make_log({folder.paths().log(), false, stderr_is_terminal()});
  try {
    train_in(folder, run, command, program, log);
  } catch (const std::exception& e) {
    log->record_error(e.what());
    throw;
  }
  return 0;
}

}  // namespace

void add_train(CLI::App& app, const Program& program, Action& chosen) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", "Trains the student of an experiment");
  sub->add_option("experiment", command->experiment, "The experiment file")->required()->check(not_empty());
  sub->add_option("overrides", command->words, "key.path=value, over what the file says");
  sub->add_option("--run-dir", command->run_dir, "The run folder (default runs/NAME)")->check(not_empty());
  sub->add_flag("--resume", command->resume, "Go on from the newest checkpoint of the run folder");
  sub->footer("Example: dime train experiments/quickstart/distil.yaml train.epochs=2 --run-dir runs/short");
  sub->callback([=, &program, &chosen] {
    expect_overrides(command->words);
    chosen = [=, &program] { return run_train(*command, program); };
  });
}

}  // namespace dime::cli
