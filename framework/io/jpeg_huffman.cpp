// SPDX-License-Identifier: Apache-2.0
#include "io/jpeg_huffman.hpp"

#include <algorithm>

namespace dime::detail {
namespace {

constexpr int kLongest = 16;

HuffmanCode::Entry entry_of(std::uint8_t symbol, int length) {
  const int run = symbol >> 4, size = symbol & 15;
  constexpr int zeros = 15;  // a run of 16 zeros and no value
  const bool ends = size == 0 && run != zeros;
  const int open = size == 0 ? 0 : HuffmanCode::Entry::kOpen;
  return {static_cast<std::uint8_t>(length + open), static_cast<std::uint8_t>(ends ? HuffmanCode::kPastEnd : run + 1),
          static_cast<std::int16_t>(size)};
}

}  // namespace

bool HuffmanCode::set(const HuffmanSpec& spec) {
  if (is_set_ && spec == spec_) return true;
  is_set_ = assign(spec);
  spec_ = spec;
  return is_set_;
}

bool HuffmanCode::assign(const HuffmanSpec& spec) {
  table_.fill({});
  std::uint32_t code = 0, index = 0;
  for (int length = 1; length <= kLongest; ++length, code <<= 1) {
    const auto l = static_cast<std::size_t>(length);
    const std::uint32_t count = spec.counts[l];
    // Ones alone are no code (T.81, annex C).
    if (index + count > spec.symbols.size() || code + count >= std::uint32_t{1} << length) return false;
    first_code_[l] = code;
    first_index_[l] = index;
    for (std::uint32_t i = 0; i < count; ++i, ++code, ++index) {
      if (length <= kBits) fill(code, length, spec.symbols[index]);
    }
  }
  return true;
}

void HuffmanCode::fill(std::uint32_t code, int length, std::uint8_t symbol) {
  const int spare = kBits - length;
  for (std::uint32_t rest = 0; rest < std::uint32_t{1} << spare; ++rest) {
    Entry entry = entry_of(symbol, length);
    if (const int size = entry.value; size > 0 && size <= spare) {
      entry.value = static_cast<std::int16_t>(extended(rest >> (spare - size), size));
      entry.length = static_cast<std::uint8_t>(length + size);
    }
    table_[(code << spare) + rest] = entry;
  }
}

HuffmanCode::Entry HuffmanCode::complete(std::uint64_t bits) const {
  Entry entry = look_up(bits);
  if (entry.is_unknown()) entry = search(bits);
  if (!entry.is_open() || entry.is_unknown()) return entry;
  const int length = entry.length - Entry::kOpen, size = entry.value;
  entry.length = static_cast<std::uint8_t>(length + size);
  entry.value = static_cast<std::int16_t>(extended(static_cast<std::uint32_t>(bits << length >> (64 - size)), size));
  return entry;
}

HuffmanCode::Entry HuffmanCode::search(std::uint64_t bits) const {
  for (int length = kBits + 1; length <= kLongest; ++length) {
    const auto l = static_cast<std::size_t>(length);
    const auto code = static_cast<std::uint32_t>(bits >> (64 - length));
    if (code >= first_code_[l] && code - first_code_[l] < spec_.counts[l]) {
      return entry_of(spec_.symbols[first_index_[l] + code - first_code_[l]], length);
    }
  }
  return {};
}

}  // namespace dime::detail
