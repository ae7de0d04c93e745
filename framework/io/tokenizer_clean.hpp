// SPDX-License-Identifier: Apache-2.0
// The cleaning that CLIP's tokenizer does before it splits a text.
#pragma once

#include <string>
#include <string_view>

#include "io/tokenizer_html.hpp"

namespace dime::detail {

/// Cleans as open_clip's clean="lower" does; immutable once made.
class TextCleaner {
 public:
  /// `entities`: see HtmlReferences, whose errors these are.
  explicit TextCleaner(const std::filesystem::path& entities) : references_(entities) {}

  /// `text` (UTF-8) repaired, unescaped, in lower case, with single spaces between words.
  std::u32string clean(std::string_view text) const;

 private:
  std::u32string fix_text(const std::u32string& text) const;
  std::u32string fix_segment(std::u32string text, bool unescape) const;

  HtmlReferences references_;
};

/// Text that was UTF-8, read as Latin-1 or Windows-1252, read back; false when `text` does not look like that.
bool fix_mojibake(std::u32string& text);

}  // namespace dime::detail
