// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <dime/error.hpp>

#include "io/tokenizer_unicode.hpp"

namespace dime {
namespace {

constexpr std::u32string_view start_text = U"<start_of_text>";
constexpr std::u32string_view end_text = U"<end_of_text>";
constexpr std::array<std::u32string_view, 7> contractions{U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};

// The pattern is blind to case, and the long s is an s in another case; no other letter of these has such a twin left
// in a text in lower case.
bool starts_with(std::u32string_view text, std::u32string_view word) {
  if (text.size() < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin(),
                    [](char32_t a, char32_t b) { return a == (b == 0x17F ? U's' : b); });
}

template <class Test>
std::size_t run(std::u32string_view text, Test test) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) - text.begin());
}

// U+0345 is no letter, but folds to one, which keeps it out of the pattern's other class too: no word takes it.
bool is_skipped(char32_t c) { return detail::is_space(c) || c == 0x345; }
bool is_other(char32_t c) { return !is_skipped(c) && !detail::is_letter(c) && !detail::is_number(c); }

// The length of the word that `text` begins with; no skipped character begins it.
std::size_t word_length(std::u32string_view text) {
  for (const std::u32string_view special : {start_text, end_text}) {
    if (starts_with(text, special)) return special.size();
  }
  for (const std::u32string_view contraction : contractions) {
    if (starts_with(text, contraction)) return contraction.size();
  }
  if (detail::is_letter(text.front())) return run(text, detail::is_letter);
  if (detail::is_number(text.front())) return 1;
  return run(text, is_other);
}

}  // namespace

ClipTokenizer::ClipTokenizer(const std::filesystem::path& vocabulary)
    : vocabulary_(vocabulary), cleaner_(vocabulary.parent_path()) {}

std::vector<std::int32_t> ClipTokenizer::encode(std::string_view text) const {
  const std::u32string clean = cleaner_.clean(text);
  std::vector<std::int32_t> tokens;
  std::string bytes;
  for (std::u32string_view rest = clean; !rest.empty();) {
    if (is_skipped(rest.front())) {
      rest.remove_prefix(1);
      continue;
    }
    const std::u32string_view word = rest.substr(0, word_length(rest));
    rest.remove_prefix(word.size());
    if (word == start_text || word == end_text) {
      tokens.push_back(word == start_text ? start_token() : end_token());
      continue;
    }
    bytes.clear();
    for (const char32_t c : word) detail::append_utf8(c, bytes);
    vocabulary_.encode_word(bytes, tokens);
  }
  return tokens;
}

void ClipTokenizer::encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const {
  if (context <= 0) throw ArgumentError("a context of " + std::to_string(context) + " tokens: it must be positive");
  std::vector<std::int32_t> tokens{start_token()};
  const std::vector<std::int32_t> body = encode(text);
  tokens.insert(tokens.end(), body.begin(), body.end());
  tokens.push_back(end_token());
  if (static_cast<std::int64_t>(tokens.size()) > context) {
    tokens.resize(static_cast<std::size_t>(context));
    tokens.back() = end_token();
  }
  std::fill(std::copy(tokens.begin(), tokens.end(), out), out + context, 0);
}

}  // namespace dime
