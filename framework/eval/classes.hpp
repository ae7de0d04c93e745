// SPDX-License-Identifier: Apache-2.0
// The classes of a zero-shot task and the sentences that stand for them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dime/value.hpp>

namespace dime {

struct ClassPrompts {
  std::vector<std::string> names;
  std::vector<std::string> templates;  ///< with `{}` where the name goes

  /// The sentences of class `index`, one for each template.
  std::vector<std::string> sentences(std::size_t index) const;
};

/// From `evaluate.NAME.classes`: a list of names; the name of a file in configs/eval (a map of `names` and `templates`,
/// each a list or the path of a text file, one a line); or null for `source_names`, the source's own.
/// `templates`, where not empty, replace those of the file. Throws ConfigError, also where the source has classes of
/// its own and another number of them.
ClassPrompts read_classes(const Value& classes, const std::vector<std::string>& templates,
                          const std::vector<std::string>& source_names, const std::filesystem::path& share);

}  // namespace dime
