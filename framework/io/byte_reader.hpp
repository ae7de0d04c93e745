// SPDX-License-Identifier: Apache-2.0
// Numbers out of an encoded image's bytes, never from past their end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <dime/error.hpp>

namespace dime::detail {

class ByteReader {
 public:
  /// `format` is for messages and must outlive the reader.
  ByteReader(std::span<const std::uint8_t> bytes, std::string_view format) : bytes_(bytes), format_(format) {}

  std::size_t size() const { return bytes_.size(); }

  /// `count` bytes from `at` on. Throws RowError ("truncated FORMAT: the file ends too early").
  std::span<const std::uint8_t> part(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) {
      throw RowError("truncated " + std::string(format_) + ": the file ends too early");
    }
    return bytes_.subspan(at, count);
  }

  /// An unsigned number of `count` bytes, 1 to 4, whose first byte is the lowest. Throws as part() does.
  std::uint32_t little(std::size_t at, std::size_t count) const {
    const auto from = part(at, count);
    std::uint32_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | from[i];
    return value;
  }

  /// An unsigned number of `count` bytes, 1 to 4, whose first byte is the highest. Throws as part() does.
  std::uint32_t big(std::size_t at, std::size_t count) const {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : part(at, count)) value = value << 8 | byte;
    return value;
  }

  /// Whether `text` stands at `at`; false where the bytes end before it does.
  bool holds(std::size_t at, std::string_view text) const {
    return at <= bytes_.size() && bytes_.size() - at >= text.size() &&
           std::equal(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  }

  /// Throws RowError ("corrupt FORMAT: `problem`").
  [[noreturn]] void refuse(const std::string& problem) const {
    throw RowError("corrupt " + std::string(format_) + ": " + problem);
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string_view format_;
};

}  // namespace dime::detail
