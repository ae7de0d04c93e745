// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_clean.hpp"

#include <algorithm>

#include "io/tokenizer_repairs.hpp"
#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

// ftfy repairs a text line by line, and cuts lines that are longer than this.
constexpr std::size_t longest_segment = 1000000;

// ftfy takes away one level of references a pass, with the other repairs between. Past so many levels no text is sane,
// and all the rest go in one pass: as many passes as levels would take hours.
constexpr int shallow_passes = 8;

bool is_line_break(char32_t c) { return c == U'\r' || c == 0x2028 || c == 0x2029 || c == 0x85; }

// One character through the repairs that look at one character: ligatures, widths, quotes.
void append_plain(char32_t c, std::u32string& out) {
  if (c >= 0x80 && c <= 0x9F) c = windows_1252(static_cast<std::uint8_t>(c));
  if (const auto parts = ligature(c); !parts.empty()) {
    for (const char32_t part : parts) out.push_back(uncurl(part));
  } else if (c == 0x3000) {
    out.push_back(U' ');
  } else if (c >= 0xFF01 && c <= 0xFFEF) {
    out += nfkc(std::u32string(1, c));
  } else {
    out.push_back(uncurl(c));
  }
}

std::u32string repair_characters(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_plain(c, out);
  return out;
}

std::u32string unix_lines(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n') continue;
    out.push_back(is_line_break(text[i]) ? U'\n' : text[i]);
  }
  return out;
}

// The end of a terminal escape (ESC [ digits ; letter) that starts at `at`, or `at`.
std::size_t escape_end(const std::u32string& text, std::size_t at) {
  if (text[at] != 0x1B || at + 1 >= text.size() || text[at + 1] != U'[') return at;
  std::size_t i = at + 2;
  while (i < text.size() && (is_decimal(text[i]) || text[i] == U';')) ++i;
  const bool letter = i < text.size() && ((text[i] >= U'a' && text[i] <= U'z') || (text[i] >= U'A' && text[i] <= U'Z'));
  return letter ? i + 1 : at;
}

std::u32string without_escapes(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = escape_end(text, i);
    if (end == i) out.push_back(text[i++]);
    i = std::max(i, end);
  }
  return out;
}

std::u32string collapse_spaces(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  bool gap = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out.push_back(U' ');
    gap = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::u32string TextCleaner::fix_segment(std::u32string text, bool unescape) const {
  for (int pass = 0;; ++pass) {
    const std::u32string before = text;
    if (unescape) text = references_.unescape_strict(std::move(text), pass >= shallow_passes);
    while (mojibake_.fix(text)) {
    }
    text = without_escapes(unix_lines(repair_characters(text)));
    std::erase_if(text, is_control);
    text = nfc(text);
    if (text == before) return text;
  }
}

std::u32string TextCleaner::fix_text(const std::u32string& text) const {
  std::u32string out;
  bool unescape = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t line = text.find(U'\n', at);
    const std::size_t size = std::min((line == std::u32string::npos ? text.size() : line + 1) - at, longest_segment);
    std::u32string segment = text.substr(at, size);
    // A `<` says that this is HTML on purpose, here and in the lines that follow.
    if (segment.find(U'<') != std::u32string::npos) unescape = false;
    out += fix_segment(std::move(segment), unescape);
    at += size;
  }
  return out;
}

std::string TextCleaner::clean_fully(std::string_view text) const {
  const std::u32string fixed = references_.unescape(references_.unescape(fix_text(from_utf8(text))));
  std::string clean;
  for (const char32_t c : lower(collapse_spaces(fixed))) append_utf8(c, clean);
  return clean;
}

}  // namespace dime::detail
