// SPDX-License-Identifier: Apache-2.0
// Options, declared once: name, field, help, range. From the declaration come checking, `dime describe` and the manual.
// Torch-free.
//
//   struct Options { double temperature = 1.0; };
//   static dime::Schema<Options> schema() {
//     return dime::Schema<Options>("What it does.").option("temperature", &Options::temperature, "Divides.",
//     dime::positive);
//   }
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <dime/api.hpp>
#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/value.hpp>

namespace dime {

/// Gathers every mistake of a file, so that all are listed at once.
class DIME_API Problems {
 public:
  /// Adds one line, "file:line:col: message" (the bare message where nothing was written); lines stay in order of
  /// place.
  void add(const Mark& mark, const std::string& message);
  bool empty() const { return lines_.empty(); }
  std::size_t size() const { return lines_.size(); }
  std::vector<std::string> lines() const;
  /// Throws ConfigError with every line, sorted by place, if there is any.
  void raise() const;
  /// Notes that `value` was read as a path, so that the resolved experiment can state it in full.
  void add_path(const Value& value);
  /// True when `value`, by its serial number, was read as a path.
  bool is_path(const Value& value) const;

 private:
  using Place = std::tuple<std::string, int, int>;  // file, line, column
  std::multimap<Place, std::string> lines_;
  std::unordered_set<std::string> seen_;
  std::unordered_set<std::uint64_t> paths_;
};

/// What `dime describe` prints of one option.
struct OptionInfo {
  std::string name;
  std::string type;           ///< "number", "integer", "true or false", "string", "path", "list of …", "map", …
  std::string default_value;  ///< as it would stand in a file; empty when the option has none
  std::string range;          ///< "> 0", "one of a, b"; empty when anything of the type goes
  std::string help;
  bool required = false;
  std::vector<OptionInfo> options;  ///< of a nested schema
};

/// A range of numbers that an option accepts.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open = false;  ///< the bounds themselves are excluded

  constexpr bool holds(double x) const { return open ? low < x && x < high : low <= x && x <= high; }
  /// "> 0", ">= 0", "between 0 and 1".
  DIME_API std::string text() const;
};
inline constexpr Range positive{0, std::numeric_limits<double>::infinity(), true};
inline constexpr Range non_negative{0, std::numeric_limits<double>::infinity(), false};
/// Both bounds belong to the range.
constexpr Range between(double low, double high) { return {low, high, false}; }

/// The strings that an option accepts.
struct Choices {
  std::vector<std::string> names;
};
inline Choices one_of(std::vector<std::string> names) { return {std::move(names)}; }

/// Marks an option that must be given.
struct Required {};
inline constexpr Required required{};

/// A path of the file system; a relative one resolves against the folder of the file that states it.
struct Path : std::filesystem::path {
  using std::filesystem::path::path;
  Path() = default;
  Path(std::filesystem::path p) : std::filesystem::path(std::move(p)) {}  // NOLINT(google-explicit-constructor)
};

/// A reference to another component: its `type`, and the options that its plugin will check.
struct Component {
  std::string type;
  Value options;  ///< the map without `type`
  Mark mark;
};

/// A map of names to values, in the order of the file.
template <class T>
using Named = std::vector<std::pair<std::string, T>>;

/// The known name nearest to `name`, or "" when none is near enough to be a slip.
DIME_API std::string nearest_name(std::string_view name, const std::vector<std::string>& known);
/// "a, b, c".
DIME_API std::string join(const std::vector<std::string>& names, std::string_view separator = ", ");

/// The face of a schema that does not know the type of its options.
class DIME_API SchemaBase {
 public:
  virtual ~SchemaBase() = default;
  /// Adds to `problems` every unknown key, wrong type, missing option and value out of range.
  /// `what` names the owner (`loss "vl"`); `also` are keys of the owner that were read elsewhere, for the nearest name.
  virtual void check(const Value& value, const std::string& what, Problems& problems,
                     const std::vector<std::string>& also = {}) const = 0;
  virtual std::vector<OptionInfo> options() const = 0;
  /// The owner's manual text.
  virtual const std::string& help() const = 0;
};

namespace detail {

struct FieldRules {
  std::optional<Range> range;
  std::vector<std::string> choices;
  bool required = false;

  void add(const Range& r) { range = r; }
  void add(const Choices& c) { choices = c.names; }
  void add(const Required&) { required = true; }
};

// Each reads `value` into `out`, or adds "`what` takes …, got …" to `problems` and returns false.
DIME_API bool read_scalar(const Value& value, bool& out, const std::string& what, Problems& problems);
DIME_API bool read_scalar(const Value& value, std::int64_t& out, const std::string& what, Problems& problems);
DIME_API bool read_scalar(const Value& value, double& out, const std::string& what, Problems& problems);
DIME_API bool read_scalar(const Value& value, std::string& out, const std::string& what, Problems& problems);
DIME_API bool read_scalar(const Value& value, Path& out, const std::string& what, Problems& problems);
DIME_API bool read_component(const Value& value, Component& out, const std::string& what, Problems& problems);
DIME_API bool expect_kind(const Value& value, Value::Kind kind, const std::string& type, const std::string& what,
                          Problems& problems);
DIME_API void check_range(const Value& value, double x, const FieldRules& rules, const std::string& what,
                          Problems& problems);
DIME_API void check_choice(const Value& value, const std::string& x, const FieldRules& rules, const std::string& what,
                           Problems& problems);
DIME_API void report_unknown(const Value& map, const std::vector<std::string>& known,
                             const std::vector<std::string>& also, const std::string& what, Problems& problems);
DIME_API void report_missing(const Value& map, const OptionInfo& option, const std::string& what, Problems& problems);
/// The path in a scalar; a relative one in the folder of the file that states it.
DIME_API std::filesystem::path resolved_path(const Value& value);
/// `what` as the owner of a nested option: `option "image" of model "clip"` becomes `"image" of model "clip"`.
DIME_API std::string owner_name(const std::string& what);
DIME_API std::string rules_text(const FieldRules& rules);
// Each throws ArgumentError where the default of option `name` breaks the option's own rules. An empty string stands
// for none.
DIME_API void check_default(const std::string& name, double x, const FieldRules& rules);
DIME_API void check_default(const std::string& name, const std::string& x, const FieldRules& rules);
DIME_API std::string print_number(double x);
DIME_API std::string print_string(const std::string& s);

template <class T>
concept HasSchema = requires {
  T::schema();
};

template <class T>
concept IsNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

template <class T>
inline constexpr bool is_option_type = false;

/// How a type of option is read, named and printed; specialise it (in namespace dime::detail) for a type of your own.
template <class T>
struct OptionType {
  static_assert(is_option_type<T>,
                "an option's type is bool, int, std::int64_t, double, std::string, dime::Path, dime::Component, "
                "dime::Value, a struct with a static schema(), or a std::optional, std::vector, std::array or "
                "dime::Named of these; for a type of your own specialise dime::detail::OptionType with type(), print() "
                "and read(), as dime/schema_types.hpp does");
  static std::string type();
  static std::string print(const T& x);
  static void read(const Value& v, T& out, const FieldRules& r, const std::string& what, Problems& problems);
};

}  // namespace detail

/// The declaration of the options `O`: a default-constructible struct whose members' initial values are the defaults.
template <class O>
class Schema final : public SchemaBase {
 public:
  using Options = O;

  /// `help` is the manual's text: what the component does, its formula and source.
  explicit Schema(std::string help) : help_(std::move(help)) {}

  /// Declares the option `name`, kept in `member`. `rules`: a Range, Choices, or `required`. Throws ArgumentError when
  /// the default breaks the rules.
  template <class T, class... Rules>
  Schema& option(const std::string& name, T O::*member, const std::string& help, Rules... rules) {
    detail::FieldRules r;
    (r.add(rules), ...);
    OptionInfo info{name, detail::OptionType<T>::type(), "", detail::rules_text(r), help, r.required, {}};
    if (!r.required) {
      const O defaults{};
      info.default_value = detail::OptionType<T>::print(defaults.*member);
      if constexpr (detail::IsNumber<T> || std::is_same_v<T, std::string>) {
        detail::check_default(name, defaults.*member, r);
      }
    }
    if constexpr (requires { detail::OptionType<T>::nested(); }) info.options = detail::OptionType<T>::nested();
    fields_.push_back({std::move(info), [member, r](const Value& v, O& o, const std::string& what, Problems& p) {
                         detail::OptionType<T>::read(v, o.*member, r, what, p);
                       }});
    return *this;
  }

  /// Reads `value` (a map, or null for all defaults) into `out`, adding every mistake to `problems`.
  void read(const Value& value, O& out, const std::string& what, Problems& problems,
            const std::vector<std::string>& also = {}) const {
    if (!value.is_null() && !detail::expect_kind(value, Value::Kind::map, "a map", what, problems)) return;
    const std::string owner = detail::owner_name(what);
    for (const auto& field : fields_) {
      const Value* v = value.find(field.info.name);
      if (v != nullptr && !v->is_null()) {
        field.read(*v, out, "option \"" + field.info.name + "\" of " + owner, problems);
      } else if (field.info.required) {
        detail::report_missing(value, field.info, owner, problems);
      }
    }
    detail::report_unknown(value, names(), also, owner, problems);
  }

  /// The options in `value`. Throws ConfigError with every mistake.
  O parse(const Value& value, const std::string& what = "the plugin") const {
    Problems problems;
    O out{};
    read(value, out, what, problems);
    problems.raise();
    return out;
  }

  void check(const Value& value, const std::string& what, Problems& problems,
             const std::vector<std::string>& also = {}) const override {
    O out{};
    read(value, out, what, problems, also);
  }

  std::vector<OptionInfo> options() const override {
    std::vector<OptionInfo> all;
    for (const auto& field : fields_) all.push_back(field.info);
    return all;
  }

  const std::string& help() const override { return help_; }

 private:
  struct Field {
    OptionInfo info;
    std::function<void(const Value&, O&, const std::string&, Problems&)> read;
  };

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& field : fields_) all.push_back(field.info.name);
    return all;
  }

  std::string help_;
  std::vector<Field> fields_;
};

}  // namespace dime

#include <dime/schema_types.hpp>
