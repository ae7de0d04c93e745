// SPDX-License-Identifier: Apache-2.0
// The manual of a plugin, and of the experiment file itself, from their schemas.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dime/schema.hpp>

#include "plugin/plugin_index.hpp"

namespace dime {

/// Help and options for people, each option on one line under its nested ones' owner.
std::string describe_text(const PluginFile& file, const SchemaBase& schema);
/// {kind, name, file, help, options: [{name, type, default, range, required, help, options}]}; `default` and `range`
/// are null where there is none; `options` of an option only where it is nested.
nlohmann::ordered_json describe_json(const PluginFile& file, const SchemaBase& schema);

/// The same of a schema that is no plugin's (the experiment, a transform): `title` stands in the place of kind and
/// name.
std::string describe_text(const std::string& title, const SchemaBase& schema);
/// {name, help, options}.
nlohmann::ordered_json describe_json(const std::string& title, const SchemaBase& schema);

}  // namespace dime
