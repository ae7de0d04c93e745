// SPDX-License-Identifier: Apache-2.0
// Shapes of tensors by name, and what the names say of sizes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dime {

/// Shapes by dime's names.
using ShapesByName = std::map<std::string, std::vector<std::int64_t>>;

/// Whether a name begins with `prefix`.
bool has_prefix(const ShapesByName& shapes, const std::string& prefix);

/// One more than the highest number that stands after `prefix`; 0 where there is none.
std::int64_t count_after(const ShapesByName& shapes, const std::string& prefix);

}  // namespace dime
