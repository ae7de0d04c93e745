// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <CLI/Error.hpp>

namespace dime::cli {

NamesAndOverrides split_words(const std::vector<std::string>& words) {
  NamesAndOverrides out;
  for (const auto& word : words) (word.find('=') == std::string::npos ? out.names : out.overrides).push_back(word);
  return out;
}

void expect_overrides(const std::vector<std::string>& words) {
  const auto names = split_words(words).names;
  if (names.empty()) return;
  throw CLI::ParseError("\"" + names.front() + "\" is no override: write it as key.path=value",
                        CLI::ExitCodes::ValidationError);
}

}  // namespace dime::cli
