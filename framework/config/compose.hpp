// SPDX-License-Identifier: Apache-2.0
// One experiment from several files, overrides and references. Marks keep pointing to where each value was written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dime/value.hpp>

namespace dime {

/// `file` with everything that it builds on, in this order:
/// 1. `extends:` (a path or a list of them, relative to the stating file): merged in order, the stating file last;
/// 2. `overrides`, each "key.path=value" with a YAML value; items of lists by number ("sources.0.weight=2"); keys that
///    are not there are made; `key.path=null` removes; relative paths resolve against the current folder;
///    `extends` belongs in the file;
/// 3. `${env:NAME}` and `${other.key}` (from the root; items by number), as whole values or inside strings; `$${`
/// stands
///    for `${`. A whole `${other.key}` stands for that value of any kind, and keeps its place and folder.
/// Each value of the result has a serial number of its own.
/// Throws ConfigError with the place: what load_yaml says, a cycle, an override that is no "key=value", that removes
/// nothing or sets `extends`, a variable that is not set, a key that is not there.
Value compose(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// `over` on top of `base`: maps merge deeply, the rest is replaced; a map whose `type` changes is replaced whole;
/// `null` removes.
Value merge(Value base, const Value& over);

/// Sets one "key.path=value" in `root`. Throws ConfigError.
void apply_override(Value& root, const std::string& text);

/// Gives each value a serial number of its own, so that copies of one value at several places are told apart.
void number_values(Value& root);

/// Replaces every `${…}` in `root`. Throws ConfigError with every mistake.
void interpolate(Value& root);

}  // namespace dime
