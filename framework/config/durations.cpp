// SPDX-License-Identifier: Apache-2.0
// Durations, wall times, numbers of threads and weights.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "config/experiment.hpp"

namespace dime {

std::int64_t Duration::steps(double epoch) const { return std::llround(unit == Unit::steps ? amount : amount * epoch); }

std::int64_t Duration::interval(double epoch) const { return std::max<std::int64_t>(1, steps(epoch)); }

std::string Duration::text() const {
  const std::string one = unit == Unit::steps ? "step" : "epoch";
  return detail::print_number(amount) + " " + one + (amount == 1 ? "" : "s");
}

double Weight::at(std::int64_t step, double epoch) const {
  const std::int64_t length = over.steps(epoch);
  if (step >= length) return to;
  return from + (to - from) * static_cast<double>(step) / static_cast<double>(length);
}

namespace detail {
namespace {

void takes(const Value& v, const std::string& type, const std::string& what, Problems& problems) {
  problems.add(v.mark(), what + " takes " + type + ", got " + v.describe());
}

struct Amount {
  double number = 0;
  std::string unit;  ///< empty for a bare number
};

/// "2 epochs" or "2epochs" in parts.
std::optional<Amount> read_amount(const Value& v) {
  if (!v.is_scalar()) return std::nullopt;
  const std::string& s = v.text();
  Amount amount;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), amount.number);
  if (error != std::errc() || !std::isfinite(amount.number) || amount.number < 0) return std::nullopt;
  const auto rest = s.find_first_not_of(' ', static_cast<std::size_t>(end - s.data()));
  if (rest != std::string::npos) amount.unit = s.substr(rest);
  return amount;
}

constexpr double most_steps = 1e15;

bool read_duration(const Value& v, Duration& out) {
  const auto amount = read_amount(v);
  if (!amount || amount->number > most_steps) return false;
  const std::string& unit = amount->unit;
  const bool steps = unit.empty() || unit == "step" || unit == "steps";
  if (!steps && unit != "epoch" && unit != "epochs") return false;
  if (steps && std::floor(amount->number) != amount->number) return false;
  out = {amount->number, steps ? Duration::Unit::steps : Duration::Unit::epochs};
  return true;
}

Schema<Weight> weight_schema() {
  return Schema<Weight>("A weight that moves linearly from one value to another, and then stays.")
      .option("from", &Weight::from, "The weight at the first step.", required)
      .option("to", &Weight::to, "The weight at the end.", required)
      .option("over", &Weight::over, "The time it takes.", required);
}

}  // namespace

std::string OptionType<Duration>::type() { return "duration"; }
std::string OptionType<Duration>::print(const Duration& x) { return x.text(); }
void OptionType<Duration>::read(const Value& v, Duration& out, const FieldRules& r, const std::string& what,
                                Problems& problems) {
  if (!read_duration(v, out)) {
    return takes(v, "a duration (\"500 steps\", \"2 epochs\", or a whole number of steps)", what, problems);
  }
  check_range(v, out.amount, r, what, problems);
}

std::string OptionType<WallTime>::type() { return "length of time"; }
std::string OptionType<WallTime>::print(const WallTime& x) { return print_number(x.seconds) + " seconds"; }
void OptionType<WallTime>::read(const Value& v, WallTime& out, const FieldRules& r, const std::string& what,
                                Problems& problems) {
  static const std::map<std::string, double> units = {{"second", 1},    {"seconds", 1},   {"minute", 60},
                                                      {"minutes", 60},  {"hour", 3600},   {"hours", 3600},
                                                      {"day", 86400.0}, {"days", 86400.0}};
  const auto amount = read_amount(v);
  const auto unit = amount ? units.find(amount->unit) : units.end();
  if (unit == units.end()) {
    return takes(v, "a length of time (\"30 seconds\", \"90 minutes\", \"6 hours\")", what, problems);
  }
  out.seconds = amount->number * unit->second;
  check_range(v, out.seconds, r, what, problems);
}

std::string OptionType<ThreadCount>::type() { return "integer or auto"; }
std::string OptionType<ThreadCount>::print(const ThreadCount& x) {
  return x.count == 0 ? "auto" : std::to_string(x.count);
}
void OptionType<ThreadCount>::read(const Value& v, ThreadCount& out, const FieldRules&, const std::string& what,
                                   Problems& problems) {
  constexpr int most = 4096;
  if (v.is_scalar() && v.text() == "auto") {
    out.count = 0;
    return;
  }
  std::int64_t count = 0;
  Problems ignored;
  if (!read_scalar(v, count, what, ignored) || count < 1 || count > most) {
    return takes(v, "auto or a number of threads from 1 to 4096", what, problems);
  }
  out.count = static_cast<int>(count);
}

std::string OptionType<Weight>::type() { return "number, or map {from, to, over}"; }
std::string OptionType<Weight>::print(const Weight& x) { return print_number(x.to); }
std::vector<OptionInfo> OptionType<Weight>::nested() { return weight_schema().options(); }
void OptionType<Weight>::read(const Value& v, Weight& out, const FieldRules&, const std::string& what,
                              Problems& problems) {
  if (v.is_map()) return weight_schema().read(v, out, what, problems);
  if (!v.is_scalar()) return takes(v, "a number or a map {from, to, over}", what, problems);
  double number = 0;
  if (read_scalar(v, number, what, problems)) out = {number, number, {}};
}

}  // namespace detail
}  // namespace dime
