// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include <dime/error.hpp>
#include <dime/printable.hpp>

namespace dime::io {

/// The bytes of a pickle, read from front to back, and how messages call it.
class PickleInput {
 public:
  PickleInput(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  /// The next opcode; messages name its place from here on.
  std::uint8_t opcode() {
    opcode_at_ = at_;
    return static_cast<std::uint8_t>(take(1)[0]);
  }
  std::string_view take(std::uint64_t count) {
    if (count > left())
      damaged(std::to_string(count) + " bytes should follow, but only " + std::to_string(left()) + " do");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  /// An unsigned number of `count` bytes, 1 to 8, whose first byte is the lowest.
  std::uint64_t little(std::size_t count) {
    const std::string_view from = take(count);
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(from[i]);
    return value;
  }
  /// A double whose first byte is the highest.
  double real() {
    std::uint64_t value = 0;
    for (const char byte : take(8)) value = value << 8 | static_cast<unsigned char>(byte);
    return std::bit_cast<double>(value);
  }
  /// Text with its length before it, in `count` bytes.
  std::string_view sized(std::size_t count) { return take(little(count)); }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) damaged("a name has no end");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  [[noreturn]] void damaged(const std::string& problem) const {
    throw WeightsError(file_ + ": its pickle is damaged at byte " + std::to_string(opcode_at_) + ": " + problem);
  }
  /// `what`: "its pickle names posix.system".
  [[noreturn]] void refuse(const std::string& what) const {
    throw WeightsError(
        file_ + ": " + what +
        ", which is neither a tensor nor a plain container: it was not executed; save a plain state_dict() "
        "instead");
  }
  [[noreturn]] void too_large(const std::string& what) const {
    throw WeightsError(file_ + ": its pickle has more than " + what + "; save a plain state_dict() instead");
  }

 private:
  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0, opcode_at_ = 0;
};

}  // namespace dime::io
