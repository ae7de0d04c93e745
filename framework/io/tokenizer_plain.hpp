// SPDX-License-Identifier: Apache-2.0
// The short way of cleaning: for texts, which are most, that need none of the repairs that look at more than one
// character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::detail {

/// What a character is to the pattern that cuts a text into words. No word takes a skipped one.
enum class Kind : std::uint8_t { skipped, letter, number, other };

/// Knows every character of the first two planes; immutable once made.
class PlainText {
 public:
  PlainText();

  /// Cleans `text` (UTF-8; what is not becomes U+FFFD) into `out` as TextCleaner::clean_fully does, but for the number
  /// of spaces. Returns false, and leaves `out` in any state, when the text may need more than it can do: references,
  /// mojibake, normalisation, control characters, letters whose lower case depends on their neighbours.
  bool clean(std::string_view text, std::string& out) const;

  /// The kind of a character that is in lower case.
  Kind kind(char32_t c) const { return c < table_.size() ? static_cast<Kind>(table_[c] & kind_part) : rare_kind(c); }

 private:
  static constexpr std::uint8_t kind_part = 3;
  struct Scan;
  bool clean_character(char32_t c, std::string_view bytes, Scan& scan, std::string& out) const;
  static Kind rare_kind(char32_t c);
  static std::uint8_t describe(char32_t c);

  std::vector<std::uint8_t> table_;
};

}  // namespace dime::detail
