// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_words.hpp"

#include <unicode/utf8.h>

#include <array>

namespace dime::detail {
namespace {

// The pattern is blind to case, and the long s is an s in another case; no other letter of these has such a twin left
// in a text in lower case.
constexpr std::array<std::string_view, 3> specials{start_text, "<\u017Ftart_of_text>", end_text};
constexpr std::array<std::string_view, 8> contractions{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'\u017F"};

}  // namespace

Kind Words::step(std::size_t& at) const {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(rest_.data());
  if (bytes[at] < 0x80) return kinds_.kind(bytes[at++]);
  UChar32 c = 0;
  U8_NEXT_OR_FFFD(bytes, at, rest_.size(), c);
  return kinds_.kind(static_cast<char32_t>(c));
}

std::size_t Words::fixed_length() const {
  if (rest_.front() == '<') {
    for (const std::string_view special : specials) {
      if (rest_.starts_with(special)) return special.size();
    }
  } else if (rest_.front() == '\'') {
    for (const std::string_view contraction : contractions) {
      if (rest_.starts_with(contraction)) return contraction.size();
    }
  }
  return 0;
}

std::size_t Words::run_end(Kind kind, std::size_t at) const {
  while (at < rest_.size()) {
    std::size_t next = at;
    if (step(next) != kind) break;
    at = next;
  }
  return at;
}

std::string_view Words::next() {
  std::size_t first = 0, end = 0;
  Kind kind = Kind::skipped;
  while (kind == Kind::skipped && end < rest_.size()) {
    first = end;
    kind = step(end);
  }
  rest_.remove_prefix(kind == Kind::skipped ? rest_.size() : first);
  if (rest_.empty()) return {};
  end -= first;
  if (const std::size_t fixed = fixed_length(); fixed != 0) {
    end = fixed;
  } else if (kind != Kind::number) {
    end = run_end(kind, end);
  }
  const std::string_view word = rest_.substr(0, end);
  rest_.remove_prefix(end);
  return word;
}

}  // namespace dime::detail
