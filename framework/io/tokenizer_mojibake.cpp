// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_mojibake.hpp"

#include <unicode/uregex.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <optional>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"
#include "io/tokenizer_unicode.hpp"
#include "io/tokenizer_windows.hpp"

namespace dime::detail {
namespace {

bool is_ascii(const std::u32string& text) {
  return std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
}

bool is_utf8(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  for (std::int64_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    if (c < 0) return false;
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

std::shared_ptr<const URegularExpression> compile(const std::string& line, UErrorCode& status) {
  const std::u16string pattern = to_utf16(from_utf8(line));
  return {uregex_open(pattern.data(), static_cast<std::int32_t>(pattern.size()), 0, nullptr, &status),
          [](const URegularExpression* made) { uregex_close(const_cast<URegularExpression*>(made)); }};
}

}  // namespace

Mojibake::Mojibake(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw IoError("the tokenizer's pattern of mojibake " + io::shown(file) + " is missing: scripts/setup.sh makes it");
  }
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::string line(bytes.begin(), bytes.end());
  UErrorCode status = U_ZERO_ERROR;
  // Without the line's end, the file was cut: what is left may be a pattern too.
  if (line.empty() || line.back() != '\n') status = U_REGEX_RULE_SYNTAX;
  line.resize(line.size() - (line.empty() ? 0 : 1));
  if (U_SUCCESS(status)) pattern_ = compile(line, status);
  if (U_FAILURE(status)) {
    throw DataError(io::shown(file) + ": not one line with a pattern (" + u_errorName(status) +
                    "); scripts/setup.sh makes the file anew once it is removed");
  }
}

bool Mojibake::looks_bad(const std::u32string& text) const {
  const std::u16string subject = to_utf16(text);
  UErrorCode status = U_ZERO_ERROR;
  // A matcher holds its text and place: each search has one of its own.
  const std::unique_ptr<URegularExpression, void (*)(URegularExpression*)> matcher(
      uregex_clone(pattern_.get(), &status), uregex_close);
  uregex_setText(matcher.get(), subject.data(), static_cast<std::int32_t>(subject.size()), &status);
  const bool found = uregex_find(matcher.get(), 0, &status) != 0;
  if (U_FAILURE(status)) throw Error(std::string("ICU cannot search for mojibake: ") + u_errorName(status));
  return found;
}

bool Mojibake::fix(std::u32string& text) const {
  if (is_ascii(text)) return false;
  for (const bool latin_1 : {true, false}) {
    const auto bytes = as_bytes(text, latin_1);
    if (!bytes || !is_utf8(*bytes)) continue;
    // Asked last: hardly a text comes as far as this, and the pattern is the slow part.
    if (!looks_bad(text)) return false;
    text = from_utf8(*bytes);
    return true;
  }
  return false;
}

}  // namespace dime::detail
