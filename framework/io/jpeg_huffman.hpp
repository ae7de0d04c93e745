// SPDX-License-Identifier: Apache-2.0
// Huffman codes as baseline JPEG has them (ITU-T T.81, annexes C and F), decoded by table.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace dime::detail {

/// The code of a DHT segment: how many codes there are of each length (1 to 16; [0] is unused), and their symbols.
struct HuffmanSpec {
  std::array<std::uint8_t, 17> counts{};
  std::array<std::uint8_t, 256> symbols{};

  bool operator==(const HuffmanSpec&) const = default;
};

/// A code, ready to decode coefficients: a symbol is a run of zeros (upper half) and the bits of the value that follows
/// (lower half); for DC the run is 0.
class HuffmanCode {
 public:
  static constexpr int kBits = 10;     ///< looked up at once
  static constexpr int kPastEnd = 64;  ///< the step of "the rest of the block is zero"

  /// What bits begin with.
  struct Entry {
    std::uint8_t length = kOpen;  ///< bits of the code and of the value; kOpen + those of the code where it is open
    std::uint8_t step = 0;        ///< run + 1, or kPastEnd
    std::int16_t value = 0;       ///< the value, or its number of bits where it is open

    static constexpr std::uint8_t kOpen = 0x80;
    /// Whether the value is not in `value`.
    bool is_open() const { return length >= kOpen; }
    /// Whether there is no such code, or one of more than kBits.
    bool is_unknown() const { return length == kOpen; }
  };

  /// Whether the code was the same, or could be made; false for one that no decoder takes.
  bool set(const HuffmanSpec& spec);

  /// The entry for the upper bits of `bits`; open where it takes more than kBits.
  const Entry& look_up(std::uint64_t bits) const { return table_[bits >> (64 - kBits)]; }
  /// The same, of any length, from the upper 31 bits of `bits`; open where they begin with no code.
  Entry complete(std::uint64_t bits) const;

 private:
  Entry search(std::uint64_t bits) const;
  bool assign(const HuffmanSpec& spec);
  void fill(std::uint32_t code, int length, std::uint8_t symbol);

  HuffmanSpec spec_;
  bool is_set_ = false;
  std::array<Entry, std::size_t{1} << kBits> table_{};
  std::array<std::uint32_t, 17> first_code_{};   // by length: the first code
  std::array<std::uint32_t, 17> first_index_{};  // by length: the place of its symbol
};

/// The value that the `size` bits `bits` stand for; size 1 to 15.
inline int extended(std::uint32_t bits, int size) {
  const int low = static_cast<int>(bits) - (1 << size) + 1;
  return (bits >> (size - 1)) != 0 ? static_cast<int>(bits) : low;
}

}  // namespace dime::detail
