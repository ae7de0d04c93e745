// SPDX-License-Identifier: Apache-2.0
// Reads event files by the published formats (TFRecord, protocol buffers), sharing no code with the writer.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace dime::test {

/// CRC-32C, one bit at a time.
inline std::uint32_t slow_crc32c(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
  }
  return ~crc;
}

inline std::uint32_t unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xA282EAD8U;
  return (rotated << 15) | (rotated >> 17);
}

template <class T>
T bits_at(const std::string& bytes, std::size_t at) {
  if (at + sizeof(T) > bytes.size()) throw std::runtime_error("cut short");
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

/// The records of a TFRecord file; throws when a checksum is wrong.
inline std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = bits_at<std::uint64_t>(file, at);
    if (unmask(bits_at<std::uint32_t>(file, at + 8)) != slow_crc32c(file.substr(at, 8))) {
      throw std::runtime_error("length checksum");
    }
    const std::string record = file.substr(at + 12, length);
    if (unmask(bits_at<std::uint32_t>(file, at + 12 + length)) != slow_crc32c(record)) {
      throw std::runtime_error("data checksum");
    }
    records.push_back(record);
    at += 16 + length;
  }
  return records;
}

/// One message: for each field number its values, numbers as their bits, counted bytes as they are.
struct Message {
  std::map<int, std::uint64_t> numbers;
  std::map<int, std::string> bytes;

  explicit Message(const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const auto key = varint(text, at);
      const int field = static_cast<int>(key >> 3);
      switch (key & 7) {
        case 0:
          numbers[field] = varint(text, at);
          break;
        case 1:
          numbers[field] = bits_at<std::uint64_t>(text, at), at += 8;
          break;
        case 5:
          numbers[field] = bits_at<std::uint32_t>(text, at), at += 4;
          break;
        case 2: {
          const auto length = varint(text, at);
          bytes[field] = text.substr(at, length);
          at += length;
          break;
        }
        default:
          throw std::runtime_error("wire type");
      }
    }
  }

  static std::uint64_t varint(const std::string& text, std::size_t& at) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(text.at(at++));
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
};

}  // namespace dime::test
