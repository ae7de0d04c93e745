// SPDX-License-Identifier: Apache-2.0
#include "io/piece_trie.hpp"

#include <algorithm>

namespace dime::detail {

PieceTrie::PieceTrie(std::vector<std::pair<std::string_view, std::int32_t>> values) : nodes_(1), bytes_(1, '\0') {
  std::sort(values.begin(), values.end());
  // The strings of a node are those from `begin` to `end`, which share their first `depth` bytes.
  struct Range {
    std::size_t begin, end, depth;
  };
  std::vector<Range> ranges{{0, values.size(), 0}};
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && values[begin].first.size() == depth) nodes_[node].value = values[begin++].second;
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = values[begin].first[depth];
      std::size_t next = begin;
      while (next < end && values[next].first[depth] == byte) ++next;
      ++nodes_[node].children;
      nodes_.emplace_back();
      bytes_ += byte;
      ranges.push_back({begin, next, depth + 1});
      begin = next;
    }
  }
}

}  // namespace dime::detail
