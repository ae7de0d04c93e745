// SPDX-License-Identifier: Apache-2.0
// Text from outside (keys, names, values) in messages that are one line. Torch-free.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <dime/api.hpp>

namespace dime {

/// How much of a key, a name or a value a message shows.
inline constexpr std::size_t longest_shown = 60;

/// `text` for a message: control characters as `\xNN`, and past `longest` bytes cut (at a whole character) with "…".
DIME_API std::string printable(std::string_view text, std::size_t longest = 200);

}  // namespace dime
