// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "io/pickle.hpp"

namespace dime::io {

/// What the global MODULE.NAME does; nothing for one that dime does not know. `script`: as in parse_pickle.
std::optional<PickleRole> find_role(std::string_view module, std::string_view name, bool script);

}  // namespace dime::io
