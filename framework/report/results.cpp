// SPDX-License-Identifier: Apache-2.0
#include "report/results.hpp"

#include <algorithm>

#include <dime/error.hpp>

#include "report/json_file.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

Json read_results(const std::filesystem::path& path) {
  Json all = read_json_object(path);
  if (all.empty()) return {{"name", ""}, {"evaluate", Json::object()}, {"history", Json::array()}};
  const auto is = [&](const char* key, Json::value_t type) { return all.contains(key) && all[key].type() == type; };
  if (is("evaluate", Json::value_t::object) && is("history", Json::value_t::array)) {
    const auto& history = all["history"];
    if (std::all_of(history.begin(), history.end(), [](const Json& e) { return e.is_object(); })) return all;
  }
  throw DataError("file " + path.string() + " is no results file (it lacks \"evaluate\" or \"history\"); move it away");
}

void add_to_task(Json& task, const TaskResult& result) {
  if (!task.is_object()) task = Json::object();
  task["step"] = result.step;
  task.update(task_json(result));
}

auto find_in_history(Json& history, const std::string& task, std::int64_t step) {
  return std::find_if(history.begin(), history.end(), [&](const Json& e) {
    return e.value("task", "") == task && e.value("step", std::int64_t{-1}) == step;
  });
}

void add_to_history(Json& history, const TaskResult& result) {
  Json entry = {{"task", result.task}, {"step", result.step}};
  entry.update(result.models);
  const auto old = find_in_history(history, result.task, result.step);
  if (old == history.end()) {
    history.push_back(std::move(entry));
  } else {
    old->update(entry);
  }
}

}  // namespace

Json task_json(const TaskResult& result) {
  Json json = Json::object();
  if (result.models.contains("student")) json.update(result.models["student"]);
  json.update(result.models);
  return json;
}

void add_result(const std::filesystem::path& path, const std::string& name, const TaskResult& result) {
  Json all = read_results(path);
  all["name"] = name;
  add_to_task(all["evaluate"][result.task], result);
  add_to_history(all["history"], result);
  write_json(path, all);
}

bool has_result(const std::filesystem::path& path, const std::string& task, std::int64_t step) {
  Json all = read_results(path);
  return find_in_history(all["history"], task, step) != all["history"].end();
}

}  // namespace dime
