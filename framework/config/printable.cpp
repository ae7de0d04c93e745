// SPDX-License-Identifier: Apache-2.0
#include <dime/printable.hpp>

#include <array>
#include <cstdio>

namespace dime {
namespace {

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string_view kept = text;
  if (text.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && is_continuation(static_cast<unsigned char>(text[end]))) --end;
    kept = text.substr(0, end);
  }
  std::string out;
  for (const char c : kept) {
    if (!is_control(static_cast<unsigned char>(c))) {
      out += c;
      continue;
    }
    std::array<char, 5> code{};
    std::snprintf(code.data(), code.size(), "\\x%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += code.data();
  }
  return kept.size() < text.size() ? out + "…" : out;
}

}  // namespace dime
