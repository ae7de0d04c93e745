// SPDX-License-Identifier: Apache-2.0
// The cleaning that CLIP's tokenizer does before it splits a text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "io/tokenizer_html.hpp"
#include "io/tokenizer_mojibake.hpp"
#include "io/tokenizer_plain.hpp"

namespace dime::detail {

/// Cleans as open_clip's clean="lower" does; immutable once made.
class TextCleaner {
 public:
  /// Reads html_entities.txt and mojibake.txt in `folder`: see HtmlReferences and Mojibake, whose errors these are.
  explicit TextCleaner(const std::filesystem::path& folder)
      : references_(folder / "html_entities.txt"), mojibake_(folder / "mojibake.txt") {}

  /// `text` (UTF-8) repaired, unescaped and in lower case, as UTF-8. How many spaces stand between words is not told.
  std::string clean(std::string_view text) const {
    std::string clean;
    return plain_.clean(text, clean) ? clean : clean_fully(text);
  }

  /// The same by all the steps, also where `text` needs none; single spaces between words.
  std::string clean_fully(std::string_view text) const;

  const PlainText& plain() const { return plain_; }

 private:
  std::u32string fix_text(const std::u32string& text) const;
  std::u32string fix_segment(std::u32string text, bool unescape) const;

  HtmlReferences references_;
  Mojibake mojibake_;
  PlainText plain_;
};

}  // namespace dime::detail
