// SPDX-License-Identifier: Apache-2.0
// Names with places to fill, as the tables write them: see NameRule.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dime {

/// What stands in the places of `pattern` in `name`, in order; nothing when the name is another one. What `{+1}` stands
/// for is given less one.
std::optional<std::vector<std::string>> match_name(std::string_view pattern, std::string_view name);

/// `pattern` with its places filled. Nothing when there are not as many values as places, or one for `{+1}` is no
/// number.
std::optional<std::string> fill_name(std::string_view pattern, const std::vector<std::string>& values);

}  // namespace dime
