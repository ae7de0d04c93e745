// SPDX-License-Identifier: Apache-2.0
// A table of normalisation of a sentencepiece model, made when it is asked for.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dime::test {

/// Units of a double array (Darts-clone) with room for a trie of few strings.
class DoubleArray {
 public:
  explicit DoubleArray(const std::map<std::string, std::uint32_t>& values) : units_(1), taken_{0} {
    place(0, "", values);
  }

  std::string bytes() const {
    std::string out;
    for (const std::uint32_t unit : units_) append(out, unit);
    return out;
  }
  static void append(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
  }

 private:
  static constexpr std::uint32_t unused = 0x80000000;

  // Where all children of a node find room, by their bytes; 0 is that of the node's own value.
  std::uint32_t free_base(const std::set<std::uint8_t>& children) {
    for (std::uint32_t base = 1;; ++base) {
      while ((base | 0xFF) >= units_.size()) units_.resize(units_.size() + 256, unused);
      bool free = true;
      for (const std::uint8_t byte : children) free &= !taken_.contains(base ^ byte);
      if (!free) continue;
      for (const std::uint8_t byte : children) taken_.insert(base ^ byte);
      return base;
    }
  }

  void place(std::uint32_t at, const std::string& prefix, const std::map<std::string, std::uint32_t>& values) {
    std::set<std::uint8_t> children;
    for (const auto& [key, value] : values) {
      if (key.starts_with(prefix)) children.insert(key == prefix ? 0 : static_cast<std::uint8_t>(key[prefix.size()]));
    }
    const std::uint32_t base = free_base(children);
    units_[at] |= (at ^ base) << 10;
    for (const std::uint8_t byte : children) units_[base ^ byte] = byte;
    for (const std::uint8_t byte : children) {
      if (byte != 0) {
        place(base ^ byte, prefix + static_cast<char>(byte), values);
        continue;
      }
      units_[at] |= 0x100;
      units_[base] = values.at(prefix) | unused;
    }
  }

  std::vector<std::uint32_t> units_;
  std::set<std::uint32_t> taken_;
};

/// The bytes of "precompiled_charsmap" for these rules.
inline std::string charsmap(const std::map<std::string, std::string>& rules) {
  std::map<std::string, std::uint32_t> values;
  std::string strings;
  for (const auto& [from, to] : rules) {
    values[from] = static_cast<std::uint32_t>(strings.size());
    strings += to + '\0';
  }
  const std::string trie = DoubleArray(values).bytes();
  std::string out;
  DoubleArray::append(out, static_cast<std::uint32_t>(trie.size()));
  return out + trie + strings;
}

}  // namespace dime::test
