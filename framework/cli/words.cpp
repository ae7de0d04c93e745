// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

namespace dime::cli {

NamesAndOverrides split_words(const std::vector<std::string>& words) {
  NamesAndOverrides out;
  for (const auto& word : words) (word.find('=') == std::string::npos ? out.names : out.overrides).push_back(word);
  return out;
}

}  // namespace dime::cli
