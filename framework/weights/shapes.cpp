// SPDX-License-Identifier: Apache-2.0
#include "weights/shapes.hpp"

#include <algorithm>
#include <charconv>

namespace dime {

bool has_prefix(const ShapesByName& shapes, const std::string& prefix) {
  const auto at = shapes.lower_bound(prefix);
  return at != shapes.end() && at->first.starts_with(prefix);
}

std::int64_t count_after(const ShapesByName& shapes, const std::string& prefix) {
  std::int64_t most = 0;
  for (auto at = shapes.lower_bound(prefix); at != shapes.end() && at->first.starts_with(prefix); ++at) {
    std::int64_t n = -1;
    std::from_chars(at->first.data() + prefix.size(), at->first.data() + at->first.size(), n);
    most = std::max(most, n + 1);
  }
  return most;
}

}  // namespace dime
