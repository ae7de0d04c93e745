// SPDX-License-Identifier: Apache-2.0
// The types that an option may have. Included by schema.hpp. Torch-free.
#pragma once

#include <dime/schema.hpp>

namespace dime::detail {

template <>
struct OptionType<bool> {
  static std::string type() { return "true or false"; }
  static std::string print(bool x) { return x ? "true" : "false"; }
  static void read(const Value& v, bool& out, const FieldRules&, const std::string& what, Problems& p) {
    read_scalar(v, out, what, p);
  }
};

template <>
struct OptionType<std::int64_t> {
  static std::string type() { return "integer"; }
  static std::string print(std::int64_t x) { return std::to_string(x); }
  static void read(const Value& v, std::int64_t& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (read_scalar(v, out, what, p)) check_range(v, static_cast<double>(out), r, what, p);
  }
};

template <>
struct OptionType<int> {
  static std::string type() { return "integer"; }
  static std::string print(int x) { return std::to_string(x); }
  static void read(const Value& v, int& out, const FieldRules& r, const std::string& what, Problems& p) {
    std::int64_t wide = 0;
    if (!read_scalar(v, wide, what, p)) return;
    if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
      p.add(v.mark(), what + " is too large: " + printable(v.text(), longest_shown));
      return;
    }
    out = static_cast<int>(wide);
    check_range(v, out, r, what, p);
  }
};

template <>
struct OptionType<double> {
  static std::string type() { return "number"; }
  static std::string print(double x) { return print_number(x); }
  static void read(const Value& v, double& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (read_scalar(v, out, what, p)) check_range(v, out, r, what, p);
  }
};

template <>
struct OptionType<std::string> {
  static std::string type() { return "string"; }
  static std::string print(const std::string& x) { return print_string(x); }
  static void read(const Value& v, std::string& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (read_scalar(v, out, what, p)) check_choice(v, out, r, what, p);
  }
};

template <>
struct OptionType<Path> {
  static std::string type() { return "path"; }
  static std::string print(const Path& x) { return x.empty() ? "" : x.string(); }
  static void read(const Value& v, Path& out, const FieldRules&, const std::string& what, Problems& p) {
    read_scalar(v, out, what, p);
  }
};

/// A reference to another component; its plugin checks the options when it is built.
template <>
struct OptionType<Component> {
  static std::string type() { return "component"; }
  static std::string print(const Component&) { return ""; }
  static void read(const Value& v, Component& out, const FieldRules&, const std::string& what, Problems& p) {
    read_component(v, out, what, p);
  }
};

/// Anything: the owner reads it by hand.
template <>
struct OptionType<Value> {
  static std::string type() { return "anything"; }
  static std::string print(const Value&) { return ""; }
  static void read(const Value& v, Value& out, const FieldRules&, const std::string&, Problems&) { out = v; }
};

template <class T>
struct OptionType<std::optional<T>> {
  static std::string type() { return OptionType<T>::type(); }
  static std::string print(const std::optional<T>& x) { return x ? OptionType<T>::print(*x) : ""; }
  static auto nested() requires requires { OptionType<T>::nested(); }
  { return OptionType<T>::nested(); }
  static void read(const Value& v, std::optional<T>& out, const FieldRules& r, const std::string& what, Problems& p) {
    OptionType<T>::read(v, out.emplace(), r, what, p);
  }
};

template <class T>
struct OptionType<std::vector<T>> {
  static std::string type() { return "list of " + OptionType<T>::type(); }
  static std::string print(const std::vector<T>& x) {
    std::vector<std::string> parts;
    for (const auto& item : x) parts.push_back(OptionType<T>::print(item));
    return std::string("[").append(join(parts)).append("]");
  }
  static auto nested() requires requires { OptionType<T>::nested(); }
  { return OptionType<T>::nested(); }
  static void read(const Value& v, std::vector<T>& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (!expect_kind(v, Value::Kind::list, "a list", what, p)) return;
    out.clear();
    for (std::size_t i = 0; i < v.items().size(); ++i) {
      OptionType<T>::read(v.items()[i], out.emplace_back(), r, "item " + std::to_string(i + 1) + " of " + what, p);
    }
  }
};

template <class T, std::size_t N>
struct OptionType<std::array<T, N>> {
  static std::string type() { return "list of " + std::to_string(N) + " " + OptionType<T>::type() + "s"; }
  static std::string print(const std::array<T, N>& x) {
    return OptionType<std::vector<T>>::print({x.begin(), x.end()});
  }
  static void read(const Value& v, std::array<T, N>& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (v.is_list() && v.items().size() != N) {
      p.add(v.mark(), what + " takes a " + type() + ", got " + std::to_string(v.items().size()));
      return;
    }
    std::vector<T> items;
    OptionType<std::vector<T>>::read(v, items, r, what, p);
    if (items.size() == N) std::copy(items.begin(), items.end(), out.begin());
  }
};

/// A map of names; each value is a T.
template <class T>
struct OptionType<std::vector<std::pair<std::string, T>>> {
  static std::string type() { return "map of names to " + OptionType<T>::type(); }
  static std::string print(const Named<T>&) { return ""; }
  static auto nested() requires requires { OptionType<T>::nested(); }
  { return OptionType<T>::nested(); }
  static void read(const Value& v, Named<T>& out, const FieldRules& r, const std::string& what, Problems& p) {
    if (!expect_kind(v, Value::Kind::map, "a map", what, p)) return;
    out.clear();
    for (const auto& entry : v.entries()) {
      if (entry.value.is_null()) continue;
      auto& item = out.emplace_back(entry.key, T{});
      OptionType<T>::read(entry.value, item.second, r, in_quotes(entry.key) + " of " + owner_name(what), p);
    }
  }
};

/// A nested struct that has a schema of its own.
template <HasSchema T>
struct OptionType<T> {
  static std::string type() { return "map"; }
  static std::string print(const T&) { return ""; }
  static std::vector<OptionInfo> nested() { return T::schema().options(); }
  static void read(const Value& v, T& out, const FieldRules&, const std::string& what, Problems& p) {
    T::schema().read(v, out, what, p);
  }
};

}  // namespace dime::detail
