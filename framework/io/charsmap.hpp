// SPDX-License-Identifier: Apache-2.0
// sentencepiece's table of normalisation ("precompiled_charsmap"): the size of a trie, the trie, and strings that its
// values point at, each ended by a zero. The trie is a double array as Darts-clone writes it: a node's children lie at
// its base xor their byte, its value at the base. Torch-free.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::detail {

class CharsMap {
 public:
  /// What a text begins with, and what is written for it.
  struct Match {
    std::size_t length = 0;  ///< 0: the table has nothing for it
    std::string_view to;
  };

  /// No bytes are a table without rules. Throws DataError, without a file's name, where a way through the trie leads
  /// outside, or a value to no string.
  explicit CharsMap(std::string_view table);

  /// The longest rule that `text` begins with. What it gives lives as long as the table.
  Match longest(std::string_view text) const;

 private:
  std::size_t base_of(std::size_t unit) const;
  bool has_value(std::size_t unit) const { return (units_[unit] >> 8 & 1) != 0; }
  std::size_t value_of(std::size_t unit) const { return units_[base_of(unit)] & 0x7FFFFFFF; }
  /// Where `byte` leads to; 0 for nowhere, as the root is nobody's child.
  std::size_t child(std::size_t unit, std::uint8_t byte) const;
  void check() const;
  void check_unit(std::size_t unit) const;

  std::vector<std::uint32_t> units_;
  std::string strings_;
};

}  // namespace dime::detail
