// SPDX-License-Identifier: Apache-2.0
// The options that a plugin declares, next to the keys of its entry that dime reads itself.
#pragma once

#include <string>
#include <vector>

#include <dime/schema.hpp>

namespace dime {

/// The keys of a plugin's entry that dime reads, whatever the plugin declares.
std::vector<std::string> core_keys(const std::string& kind);

/// What is wrong with the options that a plugin of this kind declares, or "": one that would never reach the plugin,
/// as dime reads the key itself, or one that is declared twice.
std::string declaration_mistake(const std::string& kind, const std::vector<OptionInfo>& options);

}  // namespace dime
