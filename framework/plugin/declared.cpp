// SPDX-License-Identifier: Apache-2.0
#include "plugin/declared.hpp"

#include <algorithm>
#include <set>

namespace dime {
namespace {

bool holds_a_map(const OptionInfo& option) {
  if (option.type.starts_with("list of ")) return false;
  return option.type == "map" || option.type == "component" || option.type.starts_with("map of names") ||
         !option.options.empty();
}

/// A student's tower of its own is the one form of `text` that is left to the model.
bool reaches_plugin(const std::string& kind, const OptionInfo& option) {
  const auto keys = core_keys(kind);
  if (std::find(keys.begin(), keys.end(), option.name) == keys.end()) return true;
  return kind == "model" && option.name == "text" && holds_a_map(option);
}

std::string doubled(const std::vector<OptionInfo>& options, const std::string& owner) {
  std::set<std::string> names;
  for (const auto& option : options) {
    const std::string name = in_quotes(option.name);
    if (!names.insert(option.name).second) return "it declares option " + name + owner + " twice; remove one";
    std::string below = doubled(option.options, " of " + name + owner);
    if (!below.empty()) return below;
  }
  return "";
}

}  // namespace

std::vector<std::string> core_keys(const std::string& kind) {
  if (kind == "loss") return {"type", "weight", "on"};
  if (kind == "model") return {"type", "init", "text"};
  return {"type"};
}

std::string declaration_mistake(const std::string& kind, const std::vector<OptionInfo>& options) {
  for (const auto& option : options) {
    if (reaches_plugin(kind, option)) continue;
    const bool text = kind == "model" && option.name == "text";
    return "it declares option " + in_quotes(option.name) + ", a key of every " + kind + " that dime reads itself; " +
           (text ? "make it a struct with a schema, or give it another name" : "give it another name");
  }
  return doubled(options, "");
}

}  // namespace dime
