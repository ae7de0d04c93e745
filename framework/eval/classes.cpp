// SPDX-License-Identifier: Apache-2.0
#include "eval/classes.hpp"

#include <fstream>

#include <dime/error.hpp>
#include <dime/schema.hpp>

#include "config/yaml.hpp"
#include "eval/task_error.hpp"

namespace dime {
namespace fs = std::filesystem;
namespace {

const char* const kDefaultTemplate = "a photo of a {}.";

std::vector<std::string> read_lines(const fs::path& path, const Mark& mark) {
  std::ifstream file(path);
  if (!file) throw ConfigError(mark.text() + ": cannot read " + path.string() + ": scripts/setup.sh makes the assets");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> list_or_file(const Value* value, const fs::path& share) {
  if (value == nullptr || value->is_null()) return {};
  if (value->is_scalar()) return read_lines(share / value->text(), value->mark());
  std::vector<std::string> all;
  for (const Value& item : value->items()) all.push_back(item.text());
  return all;
}

ClassPrompts read_named(const Value& classes, const fs::path& share) {
  const fs::path path = share / "configs" / "eval" / (classes.text() + ".yaml");
  if (!fs::exists(path)) {
    std::vector<std::string> known;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) known.push_back(entry.path().stem());
    std::sort(known.begin(), known.end());
    throw ConfigError(classes.mark().text() + ": no classes named \"" + classes.text() +
                      "\"; there are: " + join(known) + "; or give a list of names");
  }
  const Value file = load_yaml(path);
  Problems problems;
  for (const auto& entry : file.entries()) {
    if (entry.key != "names" && entry.key != "templates") {
      problems.add(entry.mark, "unknown option \"" + entry.key + "\" of classes; it takes: names, templates");
    }
  }
  problems.raise();
  return {list_or_file(file.find("names"), share), list_or_file(file.find("templates"), share)};
}

}  // namespace

std::vector<std::string> ClassPrompts::sentences(std::size_t index) const {
  std::vector<std::string> all;
  for (std::string sentence : templates) {
    const auto place = sentence.find("{}");
    all.push_back(place == std::string::npos ? sentence : sentence.replace(place, 2, names[index]));
  }
  return all;
}

ClassPrompts read_classes(const Value& classes, const std::vector<std::string>& templates,
                          const std::vector<std::string>& source_names, const fs::path& share) {
  ClassPrompts prompts;
  if (classes.is_scalar()) {
    prompts = read_named(classes, share);
  } else if (classes.is_list()) {
    prompts.names = list_or_file(&classes, share);
  } else if (classes.is_null()) {
    prompts.names = source_names;
  } else {
    throw ConfigError(classes.mark().text() + ": classes takes a list of names or the name of a file in configs/eval");
  }
  if (!templates.empty()) prompts.templates = templates;
  if (prompts.templates.empty()) prompts.templates = {kDefaultTemplate};
  if (prompts.names.empty()) {
    throw TaskError("zero_shot needs class names: give `classes:`, as the source has none of its own");
  }
  if (!source_names.empty() && source_names.size() != prompts.names.size()) {
    throw TaskError("`classes` has " + std::to_string(prompts.names.size()) + " names, the source has " +
                    std::to_string(source_names.size()) + " classes of its own: they must correspond one by one");
  }
  return prompts;
}

}  // namespace dime
