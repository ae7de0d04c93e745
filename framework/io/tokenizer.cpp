// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include <dime/error.hpp>

#include "io/tokenizer_words.hpp"

namespace dime {

ClipTokenizer::ClipTokenizer(const std::filesystem::path& vocabulary)
    : vocabulary_(vocabulary), cleaner_(vocabulary.parent_path()) {}

void ClipTokenizer::append(std::string_view text, std::size_t enough, std::vector<std::int32_t>& tokens) const {
  const std::string clean = cleaner_.clean(text);
  detail::Words words(cleaner_.plain(), clean);
  for (std::string_view word = words.next(); !word.empty() && tokens.size() < enough; word = words.next()) {
    if (word == detail::start_text) {
      tokens.push_back(start_token());
    } else if (word == detail::end_text) {
      tokens.push_back(end_token());
    } else {
      vocabulary_.encode_word(word, tokens);
    }
  }
}

std::vector<std::int32_t> ClipTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> tokens;
  // A word of English has four letters or more, and a space.
  tokens.reserve(text.size() / 4 + 1);
  append(text, std::numeric_limits<std::size_t>::max(), tokens);
  return tokens;
}

void ClipTokenizer::encode_padded(std::string_view text, std::int64_t context, std::int64_t* out) const {
  if (context <= 0) throw ArgumentError("a context of " + std::to_string(context) + " tokens: it must be positive");
  const auto size = static_cast<std::size_t>(context);
  std::vector<std::int32_t> tokens;
  tokens.reserve(std::min(size, text.size()) + 2);
  tokens.push_back(start_token());
  append(text, size, tokens);
  tokens.push_back(end_token());
  if (tokens.size() > size) {
    tokens.resize(size);
    tokens.back() = end_token();
  }
  std::fill(std::copy(tokens.begin(), tokens.end(), out), out + context, 0);
}

}  // namespace dime
