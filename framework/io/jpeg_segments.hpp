// SPDX-License-Identifier: Apache-2.0
// The marker segments before a JPEG's first scan.
#pragma once

#include "io/byte_reader.hpp"

namespace dime::detail {

class JpegSegments {
 public:
  /// `bytes` begin with a JPEG's start marker.
  explicit JpegSegments(std::span<const std::uint8_t> bytes) : bytes_(bytes, "JPEG") {}

  /// Goes to the next segment; false at the first scan and at the end marker. Throws RowError where the file ends
  /// first.
  bool next() {
    do marker_ = next_marker();
    while (stands_alone(marker_));
    if (marker_ == 0xD9 || marker_ == 0xDA) return false;
    // A length counts itself; libjpeg reads less as nothing more.
    const std::size_t length = std::max<std::size_t>(bytes_.big(at_, 2), 2);
    body_ = bytes_.part(at_ + 2, length - 2);
    at_ += length;
    return true;
  }

  /// The second byte of the segment's marker.
  std::uint32_t marker() const { return marker_; }
  /// What follows the segment's length.
  std::span<const std::uint8_t> body() const { return body_; }

 private:
  static bool stands_alone(std::uint32_t marker) { return marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8); }

  // Stray bytes before a marker are passed over, as libjpeg does.
  std::uint32_t next_marker() {
    while (bytes_.big(at_, 1) != 0xFF) ++at_;
    while (bytes_.big(at_, 1) == 0xFF) ++at_;
    return bytes_.big(at_++, 1);
  }

  ByteReader bytes_;
  std::size_t at_ = 2;
  std::uint32_t marker_ = 0;
  std::span<const std::uint8_t> body_;
};

}  // namespace dime::detail
