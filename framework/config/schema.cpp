// SPDX-License-Identifier: Apache-2.0
#include <dime/schema.hpp>

#include <algorithm>
#include <cmath>

namespace dime {

void Problems::add(const Mark& mark, const std::string& message) {
  const std::string line = mark.origin ? mark.text() + ": " + message : message;
  if (!seen_.insert(line).second) return;
  lines_.emplace(Place{mark.origin ? mark.origin->name : "", mark.line, mark.column}, line);
}

std::vector<std::string> Problems::lines() const {
  std::vector<std::string> all;
  for (const auto& [place, line] : lines_) all.push_back(line);
  return all;
}

void Problems::add_path(const Value& value) {
  if (value.serial() != 0) paths_.insert(value.serial());
}

bool Problems::is_path(const Value& value) const { return paths_.contains(value.serial()); }

void Problems::raise() const {
  if (!lines_.empty()) throw ConfigError(join(lines(), "\n"));
}

std::string join(const std::vector<std::string>& names, std::string_view separator) {
  std::string out;
  for (const auto& name : names) {
    if (&name != &names.front()) out += separator;
    out += name;
  }
  return out;
}

namespace {

// Optimal string alignment: a swap of neighbours counts as one slip.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t longest = 100;  // the cost grows with the product of the lengths
  std::string best;
  if (name.empty() || name.size() > longest) return best;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& candidate : known) {
    if (candidate.size() > longest) continue;
    const std::size_t d = distance(name, candidate);
    const std::size_t shorter = std::min(name.size(), candidate.size());
    if (d < least && d <= std::max<std::size_t>(1, shorter / 3) && d < shorter) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

std::string Range::text() const {
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (has_low && has_high) {
    return (open ? "strictly between " : "between ") + detail::print_number(low) + " and " + detail::print_number(high);
  }
  if (has_low) return (open ? "> " : ">= ") + detail::print_number(low);
  if (has_high) return (open ? "< " : "<= ") + detail::print_number(high);
  return "";
}

}  // namespace dime
