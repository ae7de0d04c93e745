// SPDX-License-Identifier: Apache-2.0
// Runs the named tasks of `evaluate:`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "report/results.hpp"
#include "train/build.hpp"

namespace dime {

/// Runs tasks on a student that is in training or was loaded. Opens a task's data and text tower on its first run.
class Evaluator {
 public:
  /// `student` may be null when no task names it.
  Evaluator(const LoadedExperiment& loaded, torch::Device device, std::shared_ptr<Model> student);
  ~Evaluator();

  /// The result of task `name` for the models that it names; a teacher is measured once and kept.
  /// Throws ConfigError for a task that is not in the file.
  TaskResult run(const std::string& name, std::int64_t step);

 private:
  nlohmann::ordered_json run_model(const EvaluateEntry& task, const std::string& which);
  nlohmann::ordered_json run_zero_shot(const EvaluateEntry& task, const std::string& which, Model& model);
  nlohmann::ordered_json run_losses(const EvaluateEntry& task, const std::string& which);
  std::shared_ptr<Model> model(const std::string& which);
  std::shared_ptr<Model> text_model(const EvaluateEntry& task, const std::string& which);
  const Tokenizer& tokenizer(const TokenizerChoice& choice);
  EncodeOptions encode_options() const;

  const LoadedExperiment& loaded_;
  torch::Device device_;
  std::shared_ptr<Model> student_;
  std::shared_ptr<Model> teacher_;
  std::map<const EvaluateEntry*, std::shared_ptr<Model>> text_models_;
  std::map<std::string, nlohmann::ordered_json> teacher_results_;
  std::map<std::string, std::shared_ptr<const Tokenizer>> tokenizers_;  ///< that were read, by their choice's text
  WorldOfOne comm_;
  InputContext context_;
};

/// The names of the tasks, in the order of the file.
std::vector<std::string> task_names(const Experiment& e);

/// Opens the data, reads the classes and builds the text towers of the named tasks (of every task, when none is named),
/// so that what cannot work is said before a run and not after it. The models may lack their weights. Throws the first
/// problem: ConfigError, DataError, WeightsError or IoError.
void check_evaluations(const LoadedExperiment& loaded, const RunModels& models,
                       const std::vector<std::string>& names = {});

/// A table of results: task, model, parameters, images/s, and the task's main number.
std::string results_table(const std::vector<TaskResult>& results);

}  // namespace dime
