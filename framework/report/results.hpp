// SPDX-License-Identifier: Apache-2.0
// results.json: {"name", "evaluate": {TASK: {"step", the student's numbers, "student": {…}, "teacher": {…}}},
// "history": [...]}.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace dime {

/// What one evaluation of one task gave.
struct TaskResult {
  std::string task;
  std::int64_t step = 0;                                             ///< updates done when it was measured
  nlohmann::ordered_json models = nlohmann::ordered_json::object();  ///< "student" and "teacher": their metrics
};

/// What stands under `evaluate.TASK`: the student's metrics, so that `evaluate.test.accuracy` names a number, and then
/// those of each model under its name.
nlohmann::ordered_json task_json(const TaskResult& result);

/// Puts `result` into the file, which is made if need be: `evaluate.TASK` takes the models of this result and keeps
/// those it lacks (a teacher is measured once); `history` gets one entry {task, step, student, teacher}, in place of
/// one of the same task and step. The file is replaced as a whole. Throws IoError, or DataError when what is there is
/// no results file.
void add_result(const std::filesystem::path& path, const std::string& name, const TaskResult& result);

/// Whether the file's history holds task `task` at `step`. False where there is no file. Throws like add_result.
bool has_result(const std::filesystem::path& path, const std::string& task, std::int64_t step);

}  // namespace dime
