// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_clean.hpp"

#include <algorithm>

#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

// ftfy repairs a text line by line, and cuts lines that are longer than this.
constexpr std::size_t longest_segment = 1000000;

// ftfy takes away one level of references a pass, with the other repairs between. Past so many levels no text is sane,
// and all the rest go in one pass: as many passes as levels would take hours.
constexpr int shallow_passes = 8;

std::u32string_view ligature(char32_t c) {
  switch (c) {
    case 0x132:
      return U"IJ";
    case 0x133:
      return U"ij";
    case 0x149:
      return U"\u02BCn";
    case 0x1C4:
      return U"D\u017D";
    case 0x1C5:
      return U"D\u017E";
    case 0x1C6:
      return U"d\u017E";
    case 0x1C7:
      return U"LJ";
    case 0x1C8:
      return U"Lj";
    case 0x1C9:
      return U"lj";
    case 0x1CA:
      return U"NJ";
    case 0x1CB:
      return U"Nj";
    case 0x1CC:
      return U"nj";
    case 0x1F1:
      return U"DZ";
    case 0x1F2:
      return U"Dz";
    case 0x1F3:
      return U"dz";
    case 0xFB00:
      return U"ff";
    case 0xFB01:
      return U"fi";
    case 0xFB02:
      return U"fl";
    case 0xFB03:
      return U"ffi";
    case 0xFB04:
      return U"ffl";
    case 0xFB05:
      return U"\u017Ft";
    case 0xFB06:
      return U"st";
    default:
      return {};
  }
}

bool is_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || (c >= 0x206A && c <= 0x206F) ||
         c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

char32_t uncurl(char32_t c) {
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return U'\'';
  if (c >= 0x201C && c <= 0x201F) return U'"';
  return c;
}

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

std::u32string plain(const std::u32string& text) {
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

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c < 0x7F && c != '&') || c == '\n' || c == '\t'; });
}

}  // namespace

std::u32string TextCleaner::fix_segment(std::u32string text, bool unescape) const {
  for (int pass = 0;; ++pass) {
    const std::u32string before = text;
    if (unescape) text = references_.unescape_strict(std::move(text), pass >= shallow_passes);
    while (mojibake_.fix(text)) {
    }
    text = without_escapes(unix_lines(plain(text)));
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

std::u32string TextCleaner::clean(std::string_view text) const {
  if (is_plain_ascii(text)) {
    std::u32string ascii(text.begin(), text.end());
    for (char32_t& c : ascii) c = c >= U'A' && c <= U'Z' ? c + 0x20 : c;
    return collapse_spaces(ascii);
  }
  return lower(collapse_spaces(references_.unescape(references_.unescape(fix_text(from_utf8(text))))));
}

}  // namespace dime::detail
