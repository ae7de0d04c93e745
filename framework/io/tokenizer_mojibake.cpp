// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "io/tokenizer_clean.hpp"
#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

// The length of a UTF-8 sequence by its first byte; 0 for a byte that starts none.
int sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Whether every byte belongs to a sequence of the right form; surrogates and overlong forms come out as U+FFFD later.
bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const int length = sequence_length(static_cast<unsigned char>(bytes[i]));
    if (length == 0 || i + static_cast<std::size_t>(length) > bytes.size()) return false;
    for (int j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(bytes[i + static_cast<std::size_t>(j)]) & 0xC0) != 0x80) return false;
    }
    i += static_cast<std::size_t>(length);
  }
  return true;
}

std::optional<std::string> as_bytes(const std::u32string& text, bool latin_1) {
  std::string bytes;
  for (const char32_t c : text) {
    const auto byte =
        latin_1 ? (c <= 0xFF ? std::optional(static_cast<std::uint8_t>(c)) : std::nullopt) : to_windows_1252(c);
    if (!byte) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
  }
  return bytes;
}

// Whether something besides accented letters and closing quotes speaks for mojibake: a quoted word may end in `ç`.
bool has_odd_character(const std::u32string& text) {
  return std::any_of(text.begin(), text.end(), [](char32_t c) {
    const bool letter = c >= 0xC2 && c <= 0xF4;
    const bool quote = c >= 0x2018 && c <= 0x201D;
    return c >= 0x80 && !letter && !quote;
  });
}

}  // namespace

bool fix_mojibake(std::u32string& text) {
  if (!has_odd_character(text)) return false;
  for (const bool latin_1 : {true, false}) {
    const auto bytes = as_bytes(text, latin_1);
    if (!bytes || !is_utf8(*bytes)) continue;
    std::u32string fixed = from_utf8(*bytes);
    if (fixed.find(U'\uFFFD') != std::u32string::npos) continue;
    text = std::move(fixed);
    return true;
  }
  return false;
}

}  // namespace dime::detail
