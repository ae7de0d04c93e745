// SPDX-License-Identifier: Apache-2.0
#include "plugin/describe.hpp"

#include <algorithm>
#include <string_view>

namespace dime {
namespace {

using nlohmann::ordered_json;

/// Takes one string, as print_string writes it, off the front of `text`: up to a quote that ends it, or a comma.
std::string take_string(std::string_view& text) {
  std::string out;
  const bool quoted = text.starts_with('"');
  std::size_t i = quoted ? 1 : 0;
  for (; i < text.size() && text[i] != (quoted ? '"' : ','); ++i) {
    if (quoted && text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  text.remove_prefix(std::min(text.size(), i + (quoted ? 1 : 0)));
  return out;
}

std::string string_of(std::string_view text) { return text.starts_with('"') ? take_string(text) : std::string(text); }

/// The items of "[a, b]".
ordered_json strings_of(std::string_view text) {
  ordered_json all = ordered_json::array();
  if (text.size() < 2) return all;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    all.push_back(take_string(text));
    text.remove_prefix(std::min<std::size_t>(text.size(), 2));
  }
  return all;
}

/// A default as its type has it: a string stays one, also where it reads as a number.
ordered_json default_json(const OptionInfo& option) {
  const std::string& text = option.default_value;
  if (text.empty()) return nullptr;
  if (option.type == "string") return string_of(text);
  if (option.type == "path") return text;
  if (option.type.starts_with("list of ") && option.type.find("string") != std::string::npos) return strings_of(text);
  auto parsed = ordered_json::parse(text, nullptr, false);
  return parsed.is_discarded() ? ordered_json(text) : parsed;
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
