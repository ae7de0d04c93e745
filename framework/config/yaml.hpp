// SPDX-License-Identifier: Apache-2.0
// YAML files as trees of values with marks, and back.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <dime/schema.hpp>
#include <dime/value.hpp>

namespace dime {

/// The map in `file`; marks name the file as `name` (default: as given). Anchors, aliases and merge keys (`<<`) are
/// expanded. Throws ConfigError with the place: not readable, larger than 4 MiB, not YAML, more than one document, not
/// a map, a key twice, a key that is no string, an unknown tag, deeper than 64 levels, more than 100,000 values.
Value load_yaml(const std::filesystem::path& file, const std::string& name = "");

/// The value that `text` holds, of any kind (nothing: null). Throws like load_yaml.
Value parse_yaml(std::string_view text, std::shared_ptr<const Origin> origin);

/// `value` as a YAML document. Strings that were quoted stay so; `${` is written `$${`, so that composing the text
/// gives the same value again.
std::string to_yaml(const Value& value);

/// A copy of `value` (composed, so that its values are numbered) in which each relative path that `read` noted (see
/// Problems::add_path) is written in full, so that it means the same in a file of another folder.
Value absolute_paths(const Value& value, const Problems& read);

}  // namespace dime
