// SPDX-License-Identifier: Apache-2.0
#include "io/tokenizer_unicode.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <dime/error.hpp>

namespace dime::detail {
namespace {

std::u32string from_utf16(const std::u16string& text) {
  std::u32string out;
  out.reserve(text.size());
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U16_NEXT(text.data(), i, size, c);
    out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

void check(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) throw Error(std::string("ICU cannot ") + what + ": " + u_errorName(status));
}

// ICU says how long the result is when the buffer is too short: at most two rounds.
template <class F>
std::u32string convert(const std::u32string& text, const char* what, F&& f) {
  const std::u16string in = to_utf16(text);
  std::u16string out(in.size() + in.size() / 2 + 16, u'\0');
  for (;;) {
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t size = f(in, out, status);
    const bool fits = status != U_BUFFER_OVERFLOW_ERROR;
    if (fits) check(status, what);
    out.resize(static_cast<std::size_t>(size));
    if (fits) return from_utf16(out);
  }
}

std::u32string normalize(const std::u32string& text, const UNormalizer2* (*form)(UErrorCode*)) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normalizer = form(&status);
  check(status, "normalise");
  return convert(text, "normalise", [&](const std::u16string& in, std::u16string& out, UErrorCode& error) {
    return unorm2_normalize(normalizer, in.data(), static_cast<std::int32_t>(in.size()), out.data(),
                            static_cast<std::int32_t>(out.size()), &error);
  });
}

}  // namespace

std::u32string from_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  for (std::int64_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, i, size, c);
    out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

void append_utf8(char32_t c, std::string& out) {
  const UChar32 safe = c > 0x10FFFF || U_IS_SURROGATE(c) ? 0xFFFD : static_cast<UChar32>(c);
  std::uint8_t bytes[U8_MAX_LENGTH];
  std::int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, safe);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::u16string to_utf16(const std::u32string& text) {
  std::u16string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (c > 0xFFFF) {
      out.push_back(U16_LEAD(c));
      out.push_back(U16_TRAIL(c));
    } else {
      out.push_back(static_cast<char16_t>(c));
    }
  }
  return out;
}

std::u32string nfc(const std::u32string& text) { return normalize(text, unorm2_getNFCInstance); }
std::u32string nfkc(const std::u32string& text) { return normalize(text, unorm2_getNFKCInstance); }

std::u32string lower(const std::u32string& text) {
  return convert(text, "lower the case", [](const std::u16string& in, std::u16string& out, UErrorCode& error) {
    return u_strToLower(out.data(), static_cast<std::int32_t>(out.size()), in.data(),
                        static_cast<std::int32_t>(in.size()), "", &error);
  });
}

bool is_space(char32_t c) { return (c >= 0x1C && c <= 0x1F) || u_isUWhiteSpace(static_cast<UChar32>(c)); }
bool is_letter(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_L_MASK) != 0; }
bool is_number(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK) != 0; }
bool is_decimal(char32_t c) { return u_isdigit(static_cast<UChar32>(c)) != 0; }

}  // namespace dime::detail
