// SPDX-License-Identifier: Apache-2.0
// HTML character references, as Python's html.unescape and as ftfy read them.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace dime::detail {

/// "name=HEX[+HEX] …" of every named reference of HTML 5; names end in `;` where the standard demands it.
std::string_view html_entity_table();
/// The same for names in capitals (`NTILDE;`), which are no HTML but mean one thing only.
std::string_view shouted_entity_table();

/// Reads references; immutable once made.
class HtmlReferences {
 public:
  HtmlReferences();

  /// Python's html.unescape: names without `;` and prefixes of names count, forbidden numbers vanish or become U+FFFD.
  std::u32string unescape(const std::u32string& text) const;

  /// ftfy's form: only what ends in `;` and is a reference as a whole; capitals too.
  std::u32string unescape_strict(const std::u32string& text) const;

 private:
  using Table = std::unordered_map<std::string, std::u32string>;
  void load(std::string_view entries, Table& table);
  std::u32string named(const std::string& name) const;

  Table names_;
  Table shouted_;
};

}  // namespace dime::detail
