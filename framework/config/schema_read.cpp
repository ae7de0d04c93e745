// SPDX-License-Identifier: Apache-2.0
// The parts of dime/schema.hpp that read scalars and word the mistakes.
#include <dime/schema.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace dime::detail {
namespace {

bool takes(const Value& value, const std::string& type, const std::string& what, Problems& problems) {
  const std::string form = value.is_scalar() && value.quoted() ? "the string " : "";
  problems.add(value.mark(), what + " takes " + type + ", got " + form + value.describe());
  return false;
}

std::string_view without_plus(const std::string& text) {
  std::string_view s = text;
  if (s.size() > 1 && s[0] == '+' && s[1] != '-' && s[1] != '+') s.remove_prefix(1);
  return s;
}

template <class T>
bool read_number(const Value& value, T& out, const std::string& type, const std::string& what, Problems& problems) {
  if (!value.is_scalar() || value.quoted()) return takes(value, type, what, problems);
  const std::string_view s = without_plus(value.text());
  T x{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (error == std::errc::invalid_argument || end != s.data() + s.size()) return takes(value, type, what, problems);
  if (error == std::errc::result_out_of_range) {
    problems.add(value.mark(), what + " takes " + type + "; " + printable(value.text(), longest_shown) +
                                   " is more than a computer holds");
    return false;
  }
  if (!std::isfinite(static_cast<double>(x))) return takes(value, type, what, problems);
  out = x;
  return true;
}

}  // namespace

bool read_scalar(const Value& value, bool& out, const std::string& what, Problems& problems) {
  const std::string& s = value.text();
  const bool yes = s == "true" || s == "True" || s == "TRUE";
  const bool no = s == "false" || s == "False" || s == "FALSE";
  if (!value.is_scalar() || value.quoted() || (!yes && !no)) return takes(value, "true or false", what, problems);
  out = yes;
  return true;
}

bool read_scalar(const Value& value, std::int64_t& out, const std::string& what, Problems& problems) {
  return read_number(value, out, "an integer", what, problems);
}

bool read_scalar(const Value& value, double& out, const std::string& what, Problems& problems) {
  return read_number(value, out, "a number", what, problems);
}

bool read_scalar(const Value& value, std::string& out, const std::string& what, Problems& problems) {
  if (!value.is_scalar()) return takes(value, "a string", what, problems);
  out = value.text();
  return true;
}

// `..` may be taken out of the text only where it cannot follow a link: at the front, after a folder without links.
std::filesystem::path resolved_path(const Value& value) {
  std::filesystem::path path = value.text();
  if (path.is_absolute() || !value.mark().origin) return path;
  const auto inner = std::find_if(path.begin(), path.end(), [](const auto& p) { return p != ".." && p != "."; });
  const bool climbs_later = std::find(inner, path.end(), "..") != path.end();
  const auto whole = value.mark().origin->directory / path;
  return climbs_later ? whole : whole.lexically_normal();
}

bool read_scalar(const Value& value, Path& out, const std::string& what, Problems& problems) {
  const bool readable = value.is_scalar() && !value.text().empty() && value.text().find('\0') == std::string::npos;
  if (!readable) return takes(value, "a path", what, problems);
  out = Path(resolved_path(value));
  problems.add_path(value);
  return true;
}

bool read_component(const Value& value, Component& out, const std::string& what, Problems& problems) {
  if (!expect_kind(value, Value::Kind::map, "a map with `type`", what, problems)) return false;
  const Value* type = value.find("type");
  if (type == nullptr || type->is_null()) {
    problems.add(value.mark(), owner_name(what) + " needs option \"type\" (the name of its plugin)");
    return false;
  }
  if (!read_scalar(*type, out.type, "option \"type\" of " + owner_name(what), problems)) return false;
  if (out.type.empty()) return takes(*type, "the name of a plugin", "option \"type\" of " + owner_name(what), problems);
  out.mark = type->mark();
  out.options = value.without({"type"});
  return true;
}

bool expect_kind(const Value& value, Value::Kind kind, const std::string& type, const std::string& what,
                 Problems& problems) {
  return value.kind() == kind || takes(value, type, what, problems);
}

void check_range(const Value& value, double x, const FieldRules& rules, const std::string& what, Problems& problems) {
  if (!rules.range || rules.range->holds(x)) return;
  problems.add(value.mark(),
               what + " must be " + rules.range->text() + ", got " + printable(value.text(), longest_shown));
}

void check_choice(const Value& value, const std::string& x, const FieldRules& rules, const std::string& what,
                  Problems& problems) {
  const auto& names = rules.choices;
  if (names.empty() || std::find(names.begin(), names.end(), x) != names.end()) return;
  const std::string near = nearest_name(x, names);
  problems.add(value.mark(), what + " takes one of " + join(names) + ", got " + in_quotes(x) +
                                 (near.empty() ? "" : " (did you mean \"" + near + "\"?)"));
}

void report_unknown(const Value& map, const std::vector<std::string>& known, const std::vector<std::string>& also,
                    const std::string& what, Problems& problems) {
  const auto holds = [](const auto& names, const std::string& x) {
    return std::find(names.begin(), names.end(), x) != names.end();
  };
  auto candidates = known;
  candidates.insert(candidates.end(), also.begin(), also.end());
  auto listed = known;
  std::sort(listed.begin(), listed.end());
  for (const auto& entry : map.entries()) {
    if (holds(candidates, entry.key)) continue;
    const std::string near = nearest_name(entry.key, candidates);
    problems.add(entry.mark.origin ? entry.mark : map.mark(),
                 "unknown option " + in_quotes(entry.key) + " of " + what +
                     (near.empty() ? "" : " (did you mean \"" + near + "\"?)") +
                     (listed.empty() ? "; it takes no options" : "; it takes: " + join(listed)));
  }
}

void report_missing(const Value& map, const OptionInfo& option, const std::string& what, Problems& problems) {
  const std::string help = option.help.empty() ? "" : " (" + option.help + ")";
  problems.add(map.mark(), what + " needs option \"" + option.name + "\"" + help);
}

std::string owner_name(const std::string& what) {
  std::string name = what;
  const auto at = name.find("option \"");
  if (at != std::string::npos) name.erase(at, std::string_view("option ").size());
  constexpr std::string_view root = " of the experiment";
  if (name.ends_with(root)) name.erase(name.size() - root.size());
  return name;
}

std::string rules_text(const FieldRules& rules) {
  if (!rules.choices.empty()) return "one of " + join(rules.choices);
  return rules.range ? rules.range->text() : "";
}

void check_default(const std::string& name, double x, const FieldRules& rules) {
  if (!rules.range || rules.range->holds(x)) return;
  throw ArgumentError("the default of option \"" + name + "\" must be " + rules.range->text() + ", got " +
                      print_number(x));
}

void check_default(const std::string& name, const std::string& x, const FieldRules& rules) {
  const auto& names = rules.choices;
  if (x.empty() || names.empty() || std::find(names.begin(), names.end(), x) != names.end()) return;
  throw ArgumentError("the default of option \"" + name + "\" must be one of " + join(names) + ", got " + in_quotes(x));
}

std::string print_number(double x) {
  char buffer[32];
  const double size = std::abs(x);
  const bool plain = x == 0 || (size >= 1e-5 && size < 1e15);  // as people write it, without an exponent
  const auto result = plain ? std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::fixed)
                            : std::to_chars(buffer, buffer + sizeof buffer, x);
  return {buffer, result.ptr};
}

std::string print_string(const std::string& s) {
  const bool plain = !s.empty() && s.find_first_of("\"'{}[]:,#&*!|>%@` \t\n") == std::string::npos;
  if (plain) return s;
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace dime::detail
