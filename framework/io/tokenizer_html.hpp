// SPDX-License-Identifier: Apache-2.0
// HTML character references, as Python's html.unescape and as ftfy read them.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>

namespace dime::detail {

/// Reads references; immutable once made.
class HtmlReferences {
 public:
  /// Reads the names from `file`, one a line: `html NAME=HEX[+HEX]` for those of HTML 5, which end in `;` where the
  /// standard demands it; `capitals NTILDE;=D1` for those in capitals, which are no HTML but mean one thing only.
  /// Throws IoError, or DataError for a line of another form.
  explicit HtmlReferences(const std::filesystem::path& file);

  /// Python's html.unescape: names without `;` and prefixes of names count, forbidden numbers vanish or become U+FFFD.
  std::u32string unescape(const std::u32string& text) const;

  /// ftfy's form: only what ends in `;` and is a reference as a whole; capitals too. When `deep`, the `&` of a
  /// reference may begin another: `&amp;lt;` is `<`.
  std::u32string unescape_strict(std::u32string text, bool deep) const;

 private:
  using Table = std::unordered_map<std::string, std::u32string>;
  std::u32string named(const std::string& name) const;
  // What the reference that is text[at, stop) stands for; itself when it is unknown.
  std::u32string strict_value(const std::u32string& text, std::size_t at, std::size_t stop) const;

  Table names_;
  Table capitals_;
};

}  // namespace dime::detail
