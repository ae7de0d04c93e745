// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_plain.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <limits>

#include "io/tokenizer_repairs.hpp"
#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

// Beside the kind.
constexpr std::uint8_t not_plain = 4;
// Other after the cleaning.
constexpr std::uint8_t changes = 8;
// May join the character before it in a normalised text.
constexpr std::uint8_t may_join = 16;
// One of several such may have to change places with its neighbour in a normalised text.
constexpr std::uint8_t mark = 32;
// A byte of UTF-8 that was read as Latin-1 or Windows-1252: the first of a sequence, one that follows.
constexpr std::uint8_t lead = 64;
constexpr std::uint8_t trail = 128;

constexpr std::size_t table_size = 0x20000;
constexpr char32_t last_full_width = 0xFF5E;

bool is_full_width(char32_t c) { return c >= 0xFF01 && c <= last_full_width; }

// The character before lower case: the repairs that look at one character and give one.
char32_t repaired(char32_t c) {
  if (is_space(c)) return U' ';
  return is_full_width(c) ? c - 0xFF01 + U'!' : uncurl(c);
}

bool is_line_break(char32_t c) { return c == 0x85 || c == 0x2028 || c == 0x2029; }

bool needs_more(char32_t c) {
  if (is_control(c) || is_line_break(c) || !ligature(c).empty()) return true;
  if ((c >= 0x80 && c <= 0x9F) || (c > last_full_width && c <= 0xFFEF)) return true;
  if (repaired(c) == U'&' && c != U'&') return true;
  // The final sigma is told by what stands around it.
  if (c == 0x3A3) return true;
  const auto code = static_cast<UChar32>(c);
  if (u_getIntPropertyValue(code, UCHAR_NFC_QUICK_CHECK) == UNORM_NO) return true;
  if (!u_hasBinaryProperty(code, UCHAR_CHANGES_WHEN_LOWERCASED)) return false;
  return lower(std::u32string(1, c)) != std::u32string(1, static_cast<char32_t>(u_tolower(code)));
}

bool is_normalized(std::string_view text) {
  if (text.size() > std::numeric_limits<std::int32_t>::max()) return false;
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* const form = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return false;
  const bool normalized = form->isNormalizedUTF8({text.data(), static_cast<std::int32_t>(text.size())}, status) != 0;
  return U_SUCCESS(status) && normalized;
}

// Written for the compiler to look at many characters at once.
bool is_ascii(std::string_view text) {
  unsigned all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Whether each `&` stands alone, and so begins no reference.
bool ampersands_alone(std::string_view text, bool last) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    if (at + 1 == text.size() ? !last : text[at + 1] != ' ') return false;
  }
  return true;
}

// Appends a run of ASCII, the `last` of its text or not, in lower case; false when it may need more than that.
bool clean_ascii(std::string_view run, bool last, std::string& out) {
  bool good = true, ampersand = false;
  for (const char c : run) {
    good &= (c >= ' ' && c < 0x7F) || c == '\t' || c == '\n' || c == '\f' || c == '\r';
    ampersand |= c == '&';
  }
  if (!good || (ampersand && !ampersands_alone(run, last))) return false;
  const std::size_t start = out.size();
  out.append(run);
  for (char* c = out.data() + start; c != out.data() + out.size(); ++c) {
    const char upper = *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
    *c = *c < ' ' ? ' ' : static_cast<char>(*c + upper);
  }
  return true;
}

}  // namespace

// What is known of the characters so far.
struct PlainText::Scan {
  std::uint8_t previous = 0;
  bool replaced = false;
  bool may_not_be_normalized = false;
};

PlainText::PlainText() : table_(table_size) {
  for (char32_t c = 0; c < table_size; ++c) table_[c] = describe(c);
}

Kind PlainText::rare_kind(char32_t c) {
  // U+0345 is no letter, but folds to one, which keeps it out of the pattern's other class too: no word takes it.
  if (is_space(c) || c == 0x345) return Kind::skipped;
  if (is_letter(c)) return Kind::letter;
  return is_number(c) ? Kind::number : Kind::other;
}

std::uint8_t PlainText::describe(char32_t c) {
  const auto code = static_cast<UChar32>(c);
  unsigned flags = static_cast<unsigned>(rare_kind(c));
  if (needs_more(c)) return static_cast<std::uint8_t>(flags | not_plain);
  if (repaired(c) != c || static_cast<char32_t>(u_tolower(code)) != c) flags |= changes;
  if (u_getIntPropertyValue(code, UCHAR_NFC_QUICK_CHECK) == UNORM_MAYBE) flags |= may_join;
  if (u_getCombiningClass(code) != 0) flags |= mark;
  if (c >= 0xC2 && c <= 0xF4) flags |= lead;
  if (const auto byte = to_windows_1252(c); byte && *byte >= 0x80 && *byte <= 0xBF) flags |= trail;
  return static_cast<std::uint8_t>(flags);
}

bool PlainText::clean_character(char32_t c, std::string_view bytes, Scan& scan, std::string& out) const {
  if (c >= table_.size()) return false;
  const std::uint8_t flags = table_[c];
  if ((flags & not_plain) != 0 || ((scan.previous & lead) != 0 && (flags & trail) != 0)) return false;
  if ((flags & may_join) != 0 || (scan.previous & flags & mark) != 0) scan.may_not_be_normalized = true;
  scan.previous = flags;
  if ((flags & changes) == 0) {
    out.append(bytes);
    return true;
  }
  const char32_t fixed = repaired(c);
  if (fixed != c) scan.replaced = true;
  append_utf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(fixed))), out);
  return true;
}

bool PlainText::clean(std::string_view text, std::string& out) const {
  out.clear();
  if (is_ascii(text)) return clean_ascii(text, true, out);
  out.reserve(text.size() + text.size() / 8);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  Scan scan;
  for (std::int64_t at = 0; at < size;) {
    const std::int64_t first = at;
    while (at < size && bytes[at] < 0x80) ++at;
    const auto part = [&] {
      return text.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(at - first));
    };
    if (at != first) {
      if (!clean_ascii(part(), at == size, out)) return false;
      scan.previous = 0;
      continue;
    }
    UChar32 c = 0;
    U8_NEXT(bytes, at, size, c);
    if (c < 0) {
      scan.replaced = true;
      if (!clean_character(0xFFFD, "\xEF\xBF\xBD", scan, out)) return false;
    } else if (!clean_character(static_cast<char32_t>(c), part(), scan, out)) {
      return false;
    }
  }
  return !scan.may_not_be_normalized || (!scan.replaced && is_normalized(text));
}

}  // namespace dime::detail
