// SPDX-License-Identifier: Apache-2.0
#include "weights/wildcard.hpp"

#include <string>

namespace dime {

bool fits_pattern(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool begins_with_pattern(std::string_view pattern, std::string_view name) {
  return fits_pattern(std::string(pattern) + "*", name);
}

}  // namespace dime
