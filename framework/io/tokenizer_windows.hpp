// SPDX-License-Identifier: Apache-2.0
// Windows-1252 as browsers read it: the five unassigned bytes stand for the C1 controls of their number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace dime::detail {

inline constexpr std::array<char32_t, 32> windows_1252_c1{
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

/// The character of a byte.
constexpr char32_t windows_1252(std::uint8_t byte) {
  return byte >= 0x80 && byte <= 0x9F ? windows_1252_c1[byte - 0x80U] : char32_t{byte};
}

/// The byte of a character, if it has one.
constexpr std::optional<std::uint8_t> to_windows_1252(char32_t c) {
  if (c < 0x80 || (c >= 0xA0 && c <= 0xFF)) return static_cast<std::uint8_t>(c);
  for (std::size_t i = 0; i < windows_1252_c1.size(); ++i) {
    if (windows_1252_c1[i] == c) return static_cast<std::uint8_t>(0x80 + i);
  }
  return std::nullopt;
}

}  // namespace dime::detail
