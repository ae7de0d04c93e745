// SPDX-License-Identifier: Apache-2.0
// Patterns of names as experiments write them, in `freeze`, `skip` and `allow_missing`.
#pragma once

#include <string_view>

namespace dime {

/// Whether all of `name` fits `pattern`, in which `*` stands for any run of characters, an empty one too.
bool fits_pattern(std::string_view pattern, std::string_view name);

/// Whether `name` begins with what fits `pattern`.
bool begins_with_pattern(std::string_view pattern, std::string_view name);

}  // namespace dime
