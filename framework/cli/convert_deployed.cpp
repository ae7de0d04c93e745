// SPDX-License-Identifier: Apache-2.0
#include "cli/convert_deployed.hpp"

#include <dime/error.hpp>
#include <nlohmann/json.hpp>

#include "config/yaml.hpp"
#include "io/weights_file.hpp"
#include "plugin/plugin_index.hpp"
#include "train/models.hpp"
#include "weights/model_facts.hpp"

namespace dime::cli {
namespace {

/// The model as the checkpoint describes it, with the weights in it.
ModelEntry entry_of(const std::filesystem::path& path) {
  const io::WeightsFile file(path);
  const auto written = file.metadata().find("dime.model");
  const auto about =
      written == file.metadata().end() ? nlohmann::json() : nlohmann::json::parse(written->second, nullptr, false);
  const auto text = [&](const char* key) {
    return about.is_object() && about.contains(key) && about[key].is_string() ? about[key].get<std::string>() : "";
  };
  if (text("type").empty()) {
    throw WeightsError(path.string() +
                       " does not say which model it is of: --deploy takes checkpoints that dime wrote");
  }
  ModelEntry entry;
  const Value options = parse_yaml(text("options"), std::make_shared<const Origin>(Origin{path.string(), {}}));
  entry.component = {text("type"), options.is_map() ? options : Value::map({}), {}};
  entry.image_only = !about.contains("text");
  entry.init.emplace().path = Path(path);
  return entry;
}

}  // namespace

DeployedWeights deployed_weights(const std::filesystem::path& path, const Program& program) {
  const ModelEntry entry = entry_of(path);
  const Plugins plugins(search_path(program.installation.plugins));
  Problems problems;
  plugins.check("model", entry.component, problems);
  problems.raise();
  const auto model = make_model(entry, plugins, 0, torch::kCPU, "its model");
  DeployedWeights deployed;
  for (const auto& [name, tensor] : model->deployed()) deployed.tensors.emplace_back(name, tensor);
  if (deployed.tensors.empty()) {
    throw WeightsError(path.string() + ": a model of type \"" + entry.component.type +
                       "\" has one form only: leave --deploy out");
  }
  deployed.metadata = model_metadata(entry.component.type, "", model->spec());
  return deployed;
}

}  // namespace dime::cli
