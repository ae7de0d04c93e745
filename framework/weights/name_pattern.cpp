// SPDX-License-Identifier: Apache-2.0
#include "weights/name_pattern.hpp"

#include <charconv>

namespace dime {
namespace {

constexpr std::string_view kPart = "{}";
constexpr std::string_view kNext = "{+1}";
constexpr std::string_view kRest = "{*}";

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  return value;
}

/// Takes what `place` stands for off the front of `name`.
std::optional<std::string> take(std::string_view place, std::string_view& name) {
  const std::string_view taken = place == kRest ? name : name.substr(0, name.find('.'));
  if (taken.empty()) return std::nullopt;
  name.remove_prefix(taken.size());
  if (place != kNext) return std::string(taken);
  const auto value = number(taken);
  if (!value || *value == 0) return std::nullopt;
  return std::to_string(*value - 1);
}

/// The place that `pattern` begins with, or "".
std::string_view place_at(std::string_view pattern) {
  if (pattern.front() != '{') return {};
  return pattern.substr(0, pattern.find('}') + 1);
}

}  // namespace

std::optional<std::vector<std::string>> match_name(std::string_view pattern, std::string_view name) {
  std::vector<std::string> values;
  while (!pattern.empty()) {
    if (const auto place = place_at(pattern); !place.empty()) {
      auto value = take(place, name);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
      pattern.remove_prefix(place.size());
    } else {
      const std::string_view plain = pattern.substr(0, pattern.find('{'));
      if (!name.starts_with(plain)) return std::nullopt;
      name.remove_prefix(plain.size());
      pattern.remove_prefix(plain.size());
    }
  }
  return name.empty() ? std::optional(std::move(values)) : std::nullopt;
}

std::optional<std::string> fill_name(std::string_view pattern, const std::vector<std::string>& values) {
  std::string name;
  std::size_t used = 0;
  while (!pattern.empty()) {
    const auto place = place_at(pattern);
    if (place.empty()) {
      name += pattern.substr(0, pattern.find('{'));
      pattern.remove_prefix(std::min(pattern.size(), pattern.find('{')));
      continue;
    }
    if (used == values.size()) return std::nullopt;
    const std::string& value = values[used++];
    const auto before = place == kNext ? number(value) : std::nullopt;
    if (place == kNext && !before) return std::nullopt;
    name += before ? std::to_string(*before + 1) : value;
    pattern.remove_prefix(place.size());
  }
  return used == values.size() ? std::optional(std::move(name)) : std::nullopt;
}

}  // namespace dime
