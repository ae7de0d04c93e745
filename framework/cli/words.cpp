// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <charconv>

#include <CLI/Error.hpp>
#include <dime/printable.hpp>

namespace dime::cli {

NamesAndOverrides split_words(const std::vector<std::string>& words) {
  NamesAndOverrides out;
  for (const auto& word : words) (word.find('=') == std::string::npos ? out.names : out.overrides).push_back(word);
  return out;
}

CLI::Validator not_empty() {
  return {[](const std::string& text) { return text.empty() ? std::string("is empty") : std::string(); }, ""};
}

CLI::Validator whole_number() {
  const auto check = [](const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = error == std::errc() && end == text.data() + text.size() && number >= 1;
    return good ? std::string() : "takes a whole number of at least 1, got \"" + printable(text, 40) + "\"";
  };
  return {check, ""};
}

CLI::Validator thread_number() {
  const auto check = [](const std::string& text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 4096;
    return good ? std::string() : "takes a whole number from 1 to 4096, got \"" + printable(text, 40) + "\"";
  };
  return {check, ""};
}

void expect_overrides(const std::vector<std::string>& words) {
  const auto names = split_words(words).names;
  if (names.empty()) return;
  throw CLI::ParseError("\"" + names.front() + "\" is no override: write it as key.path=value",
                        CLI::ExitCodes::ValidationError);
}

}  // namespace dime::cli
