// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <ATen/Parallel.h>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cli/weights_path.hpp"
#include "eval/tasks.hpp"
#include "report/json_file.hpp"
#include "train/device.hpp"
#include "train/weights.hpp"

namespace dime::cli {
namespace {

struct EvalCommand {
  std::string experiment;
  std::vector<std::string> words;
  std::string weights;
  bool json = false;
};

bool names_student(const Experiment& e, const std::vector<std::string>& names) {
  for (const auto& [task, entry] : e.evaluate) {
    const bool wanted = names.empty() || std::find(names.begin(), names.end(), task) != names.end();
    if (wanted && std::find(entry.models.begin(), entry.models.end(), "student") != entry.models.end()) return true;
  }
  return false;
}

/// A student with weights: of --weights (a file, a checkpoint, or a run folder), or of the experiment's `init`.
std::shared_ptr<Model> student_with_weights(const LoadedExperiment& loaded, const EvalCommand& command,
                                            const torch::Device& device) {
  auto entry = loaded.experiment.models.student;
  if (!entry) throw ConfigError(loaded.file.string() + ": there is no models.student to evaluate");
  if (!command.weights.empty()) {
    std::filesystem::path path = weights_path(command.weights);
    if (std::filesystem::is_directory(path)) path /= "model.safetensors";
    entry->init = InitOptions{Path(path), {}, {}, false, {}};
  }
  if (!entry->init) {
    throw ConfigError(loaded.file.string() +
                      ": models.student has no init: name its weights with --weights (a file, a "
                      "checkpoint or a run folder)");
  }
  return make_frozen_model(*entry, *loaded.plugins, loaded.experiment.seed, device, "models.student");
}

int run_eval(const EvalCommand& command, const Program& program) {
  auto [names, overrides] = split_words(command.words);
  const LoadedExperiment loaded = load_experiment(command.experiment, overrides, program.installation);
  const Experiment& e = loaded.experiment;
  if (e.evaluate.empty()) throw ConfigError(command.experiment + ": there is nothing under evaluate");
  at::set_num_threads(compute_threads(e.threads));
  const torch::Device device = choose_device(e.device);
  const auto student = names_student(e, names) ? student_with_weights(loaded, command, device) : nullptr;
  if (names.empty()) names = task_names(e);
  // All that can be known before the first is measured.
  check_evaluations(loaded, {device, student, nullptr}, names);
  Evaluator evaluator(loaded, device, student);
  std::vector<TaskResult> results;
  for (const auto& name : names) results.push_back(evaluator.run(name, 0));
  if (!command.json) {
    std::cout << results_table(results);
    return 0;
  }
  nlohmann::ordered_json json{{"name", e.name}, {"evaluate", nlohmann::ordered_json::object()}};
  for (const auto& result : results) json["evaluate"][result.task] = task_json(result);
  std::cout << json_text(json) << "\n";
  return 0;
}

}  // namespace

void add_eval(CLI::App& app, const Program& program, Action& chosen) {
  auto command = std::make_shared<EvalCommand>();
  CLI::App* sub = app.add_subcommand("eval", "Runs the evaluations of an experiment");
  sub->add_option("experiment", command->experiment, "The experiment file")->required()->check(not_empty());
  sub->add_option("words", command->words, "Names of tasks (default: all), and key.path=value");
  sub->add_option("--weights", command->weights, "The student's weights: a file, a checkpoint or a run folder")
      ->check(not_empty());
  sub->add_flag("--json", command->json, "Print JSON");
  sub->footer("Example: dime eval experiments/quickstart/distil.yaml test --weights runs/quickstart/student --json");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_eval(*command, program); }; });
}

}  // namespace dime::cli
