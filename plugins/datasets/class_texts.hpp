// SPDX-License-Identifier: Apache-2.0
// The names of a source's classes, and the texts that they give in prompt templates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/text_row.hpp>

namespace dime {

/// The lines of `text` that are not blank, without the white space around them.
inline std::vector<std::string> filled_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = strip(text.substr(0, end)); !line.empty()) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Class names by label, and the templates that a class name is put into. Either may be empty.
class ClassTexts {
 public:
  ClassTexts() = default;
  /// Throws DataError for templates without names, for a name that is empty or not UTF-8, and for a template without
  /// exactly one {}.
  ClassTexts(std::vector<std::string> names, std::vector<std::string> templates)
      : names_(std::move(names)), templates_(std::move(templates)) {
    if (!templates_.empty() && names_.empty()) throw DataError("templates need class_names");
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string name = "class_names: the name of label " + std::to_string(i);
      if (strip(names_[i]).empty()) throw DataError(name + " is empty: give it one");
      if (find_invalid_utf8(names_[i]) != std::string_view::npos) throw DataError(name + " is not UTF-8");
    }
    for (const auto& prompt : templates_) {
      const std::string problem = template_problem(prompt);
      if (!problem.empty()) throw DataError("templates: \"" + printable(prompt) + "\": " + problem);
    }
  }

  const std::vector<std::string>& names() const { return names_; }
  /// Whether a label gives texts.
  bool gives_texts() const { return !templates_.empty(); }
  /// Whether `label` has a name, or there are no names at all.
  bool knows(std::int64_t label) const {
    return names_.empty() || (label >= 0 && label < static_cast<std::int64_t>(names_.size()));
  }
  /// Adds the name of `label`, which it knows, in each template.
  void add_texts(std::int64_t label, std::vector<std::string>& texts) const {
    for (const auto& prompt : templates_) {
      texts.push_back(fill_template(prompt, names_[static_cast<std::size_t>(label)]));
    }
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> templates_;
};

}  // namespace dime
