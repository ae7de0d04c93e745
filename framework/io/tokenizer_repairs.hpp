// SPDX-License-Identifier: Apache-2.0
// What ftfy's repairs do to single characters.
#pragma once

#include <string_view>

namespace dime::detail {

/// The letters of a ligature or digraph; empty for any other character.
std::u32string_view ligature(char32_t c);
/// Whether ftfy takes the character away: controls but tab, line feed, form feed and return; marks that do nothing.
bool is_control(char32_t c);
/// Quotes as the straight ones; any other character as it is.
char32_t uncurl(char32_t c);

}  // namespace dime::detail
