// SPDX-License-Identifier: Apache-2.0
// Which of many strings a text begins with. Torch-free.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dime::detail {

/// The children of a node lie together, in the order of their bytes.
class PieceTrie {
 public:
  /// Of strings that are not empty, each once.
  explicit PieceTrie(std::vector<std::pair<std::string_view, std::int32_t>> values);

  /// Calls `found(length, value)` for each string that `text` begins with, the shortest first.
  template <class Found>
  void prefixes(std::string_view text, Found found) const {
    std::size_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, text[i]);
      if (node == 0) return;
      if (nodes_[node].value >= 0) found(i + 1, nodes_[node].value);
    }
  }

 private:
  struct Node {
    std::uint32_t first_child = 0;
    std::uint32_t children = 0;
    std::int32_t value = -1;
  };

  std::size_t child(std::size_t node, char byte) const {
    const auto [first, count, value] = nodes_[node];
    const char* const begin = bytes_.data() + first;
    const void* const at = std::memchr(begin, static_cast<unsigned char>(byte), count);
    return at == nullptr ? 0 : first + static_cast<std::size_t>(static_cast<const char*>(at) - begin);
  }

  std::vector<Node> nodes_;
  std::string bytes_;  // that lead to each node
};

}  // namespace dime::detail
