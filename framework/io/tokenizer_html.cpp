// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_html.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

constexpr std::size_t longest_name = 32;
constexpr std::size_t longest_strict = 24;

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_hex(char32_t c) { return is_digit(c) || (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F'); }
bool is_alnum(char32_t c) { return is_digit(c) || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool ends_name(char32_t c) {
  return c == U'\t' || c == U'\n' || c == U'\f' || c == U' ' || c == U'<' || c == U'&' || c == U'#' || c == U';';
}

template <class Test>
std::size_t run(const std::u32string& text, std::size_t from, std::size_t limit, Test test) {
  std::size_t end = from;
  while (end < text.size() && end - from < limit && test(text[end])) ++end;
  return end;
}

bool is_forbidden(std::uint32_t n) {
  return (n >= 0x1 && n <= 0x8) || n == 0xB || (n >= 0xE && n <= 0x1F) || n == 0x7F || (n >= 0xFDD0 && n <= 0xFDEF) ||
         (n & 0xFFFE) == 0xFFFE;
}

std::u32string from_number(std::uint32_t n) {
  if (n >= 0x80 && n <= 0x9F) return {windows_1252(static_cast<std::uint8_t>(n))};
  if (n == 0 || (n >= 0xD800 && n <= 0xDFFF) || n > 0x10FFFF) return {U'\uFFFD'};
  if (is_forbidden(n)) return {};
  return {static_cast<char32_t>(n)};
}

// A number reference that starts at `at` ('&'): its value, and the end of its digits; end == at when there is none.
struct Number {
  std::uint32_t value = 0;
  std::size_t end = 0;
};

Number read_number(const std::u32string& text, std::size_t at) {
  std::size_t first = at + 2;
  const bool hex = first < text.size() && (text[first] == U'x' || text[first] == U'X');
  if (hex) ++first;
  const std::size_t end = run(text, first, text.size(), hex ? is_hex : is_digit);
  if (end == first) return {0, at};
  std::uint32_t value = 0;
  for (std::size_t i = first; i < end && value <= 0x10FFFF; ++i) {
    const char32_t c = text[i];
    value = value * (hex ? 16 : 10) + (is_digit(c) ? c - U'0' : (c | 0x20) - U'a' + 10);
  }
  return {value, end};
}

// Or the full-width one, which is the next repair's `&`.
bool is_ampersand(const std::u32string& text) { return text == U"&" || text == U"\uFF06"; }

std::string to_ascii(const std::u32string& text, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) append_utf8(text[i], out);
  return out;
}

// "C6", "3D+20E5"; nothing when it is no such thing.
std::u32string from_codes(std::string_view codes) {
  std::u32string value;
  const char* const end = codes.data() + codes.size();
  for (const char* at = codes.data();; ++at) {
    std::uint32_t code = 0;
    const auto read = std::from_chars(at, end, code, 16);
    if (read.ec != std::errc() || code > 0x10FFFF) return {};
    value.push_back(code);
    if (read.ptr == end) return value;
    if (*read.ptr != '+') return {};
    at = read.ptr;
  }
}

}  // namespace

HtmlReferences::HtmlReferences(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  std::int64_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const std::size_t space = line.find(' '), equals = line.find('=');
    const std::string kind = line.substr(0, space);
    const auto value = equals == std::string::npos ? U"" : from_codes(std::string_view(line).substr(equals + 1));
    if ((kind != "html" && kind != "capitals") || equals <= space + 1 || value.empty()) {
      throw DataError(
          file.string() + ":" + std::to_string(number) +
          ": not `html NAME=HEX` or `capitals NAME=HEX`; scripts/setup.sh makes the file anew once it is removed");
    }
    (kind == "html" ? names_ : capitals_).emplace(line.substr(space + 1, equals - space - 1), value);
  }
}

std::u32string HtmlReferences::named(const std::string& name) const {
  if (const auto found = names_.find(name); found != names_.end()) return found->second;
  for (std::size_t size = name.size() - 1; size > 1 && size < name.size(); --size) {
    const auto found = names_.find(name.substr(0, size));
    if (found != names_.end()) return found->second + from_utf8(name.substr(size));
  }
  return from_utf8("&" + name);
}

std::u32string HtmlReferences::unescape(const std::u32string& text) const {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    if (text[i] == U'&' && i + 1 < text.size()) {
      if (text[i + 1] == U'#') {
        const Number number = read_number(text, i);
        if (number.end != i) out += from_number(number.value);
        end = number.end;
      } else {
        end = run(text, i + 1, longest_name, [](char32_t c) { return !ends_name(c); });
        const std::size_t stop = end < text.size() && text[end] == U';' ? end + 1 : end;
        if (end == i + 1) end = i;
        if (end != i) out += named(to_ascii(text, i + 1, stop));
      }
      if (end != i && end < text.size() && text[end] == U';') ++end;
    }
    if (end == i) out.push_back(text[end++]);
    i = end;
  }
  return out;
}

std::u32string HtmlReferences::strict_value(const std::u32string& text, std::size_t at, std::size_t stop) const {
  if (text[at + 1] == U'#') {
    const Number read = read_number(text, at);
    // `&#59;` stands for `;`, which ftfy takes for a sign that the reference was read in part.
    if (read.end + 1 == stop && read.value != U';') return from_number(read.value);
  } else {
    const std::string name = to_ascii(text, at + 1, stop);
    if (const auto a = names_.find(name); a != names_.end()) return a->second;
    if (const auto b = capitals_.find(name); b != capitals_.end()) return b->second;
  }
  return text.substr(at, stop - at);
}

std::u32string HtmlReferences::unescape_strict(std::u32string text, bool deep) const {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t first = i + (i + 1 < text.size() && text[i + 1] == U'#' ? 2 : 1);
    const std::size_t end = text[i] == U'&' ? run(text, first, longest_strict, is_alnum) : i;
    if (text[i] != U'&' || end == first || end == text.size() || text[end] != U';') {
      out.push_back(text[i++]);
      continue;
    }
    const std::u32string value = strict_value(text, i, end + 1);
    i = end + 1;
    if (deep && is_ampersand(value)) {
      text[--i] = U'&';
    } else {
      out += value;
    }
  }
  return out;
}

}  // namespace dime::detail
