// SPDX-License-Identifier: Apache-2.0
// CLIP's pattern, which cuts a cleaned text into words.
#pragma once

#include <string_view>

#include "io/tokenizer_plain.hpp"

namespace dime::detail {

inline constexpr std::string_view start_text = "<start_of_text>";
inline constexpr std::string_view end_text = "<end_of_text>";

/// The words of one text, in order. The text (UTF-8, in lower case) and the kinds must outlive it.
class Words {
 public:
  Words(const PlainText& kinds, std::string_view text) : kinds_(kinds), rest_(text) {}

  /// The next word; empty at the end.
  std::string_view next();

 private:
  // The kind of the character that `rest_` has at the byte `at`, which becomes that of the next.
  Kind step(std::size_t& at) const;
  // The length of a word that begins with `<` or `'` and is whole in itself; 0 when there is none.
  std::size_t fixed_length() const;
  // The end of the run of `kind` that goes on at the byte `at`.
  std::size_t run_end(Kind kind, std::size_t at) const;

  const PlainText& kinds_;
  std::string_view rest_;
};

}  // namespace dime::detail
