// SPDX-License-Identifier: Apache-2.0
// The Unicode knowledge that the tokenizer needs, from ICU.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dime::detail {

/// UTF-8 to code points; what is no UTF-8 becomes U+FFFD.
std::u32string from_utf8(std::string_view text);
/// Appends the UTF-8 of `c` (a surrogate or a value past U+10FFFF is written as U+FFFD).
void append_utf8(char32_t c, std::string& out);
/// `text`, of code points that are no surrogates, as UTF-16.
std::u16string to_utf16(const std::u32string& text);
/// Normalisation forms C and KC. Throw Error when ICU has no data.
std::u32string nfc(const std::u32string& text);
std::u32string nfkc(const std::u32string& text);
/// The lower case of a whole text, with its context (final sigma), in no language in particular.
std::u32string lower(const std::u32string& text);
/// What Python's str.split() splits at.
bool is_space(char32_t c);
/// General categories L and N.
bool is_letter(char32_t c);
bool is_number(char32_t c);
/// Category Nd: the digits of any script.
bool is_decimal(char32_t c);

}  // namespace dime::detail
