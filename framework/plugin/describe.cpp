// SPDX-License-Identifier: Apache-2.0
#include "plugin/describe.hpp"

namespace dime {
namespace {

using nlohmann::ordered_json;

/// A default as JSON where it is JSON (numbers, booleans, lists of them), else as text.
ordered_json default_json(const OptionInfo& option) {
  if (option.default_value.empty()) return nullptr;
  auto parsed = ordered_json::parse(option.default_value, nullptr, false);
  return parsed.is_discarded() ? ordered_json(option.default_value) : parsed;
}

ordered_json options_json(const std::vector<OptionInfo>& options) {
  ordered_json all = ordered_json::array();
  for (const auto& option : options) {
    ordered_json one;
    one["name"] = option.name;
    one["type"] = option.type;
    one["default"] = default_json(option);
    one["range"] = option.range.empty() ? ordered_json(nullptr) : ordered_json(option.range);
    one["required"] = option.required;
    one["help"] = option.help;
    if (!option.options.empty()) one["options"] = options_json(option.options);
    all.push_back(std::move(one));
  }
  return all;
}

std::string facts_of(const OptionInfo& option) {
  std::string facts = option.type;
  if (!option.range.empty()) facts += ", " + option.range;
  if (option.required) {
    facts += ", required";
  } else if (!option.default_value.empty()) {
    facts += ", default " + option.default_value;
  }
  return facts;
}

void add_options(std::string& out, const std::vector<OptionInfo>& options, std::size_t depth) {
  for (const auto& option : options) {
    out += std::string(2 * depth, ' ') + option.name + " (" + facts_of(option) + ")";
    out += (option.help.empty() ? "" : ": " + option.help) + "\n";
    add_options(out, option.options, depth + 1);
  }
}

std::string body(const SchemaBase& schema) {
  std::string out = schema.help() + "\n";
  const auto options = schema.options();
  out += options.empty() ? "It takes no options.\n" : "Options:\n";
  add_options(out, options, 1);
  return out;
}

}  // namespace

std::string describe_text(const std::string& title, const SchemaBase& schema) { return title + "\n" + body(schema); }

std::string describe_text(const PluginFile& file, const SchemaBase& schema) {
  return file.kind + " \"" + file.name + "\" (" + file.file.string() + ")\n" + body(schema);
}

ordered_json describe_json(const std::string& title, const SchemaBase& schema) {
  return {{"name", title}, {"help", schema.help()}, {"options", options_json(schema.options())}};
}

ordered_json describe_json(const PluginFile& file, const SchemaBase& schema) {
  return {{"kind", file.kind},
          {"name", file.name},
          {"file", file.file.string()},
          {"help", schema.help()},
          {"options", options_json(schema.options())}};
}

}  // namespace dime
