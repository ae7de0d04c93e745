// SPDX-License-Identifier: Apache-2.0
#include "config/interpolate.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>

#include <dime/schema.hpp>

#include "config/compose.hpp"

namespace dime {
namespace {

constexpr std::size_t max_text = 1 << 20;
constexpr std::size_t max_values = 100000;
constexpr std::size_t max_chain = 100;

/// One mistake, on its way to the list of all.
struct Mistake {
  Mark mark;
  std::string message;
};

/// Calls `replace` with the inside of each `${…}`; `$${` stands for `${`.
std::string expand(const Value& scalar, const std::function<std::string(const std::string&)>& replace) {
  const std::string& text = scalar.text();
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      out += "${";
      i += 3;
    } else if (text.compare(i, 2, "${") == 0) {
      const auto end = text.find('}', i);
      if (end == std::string::npos) {
        throw Mistake{scalar.mark(), in_quotes(text) + " has ${ without }; write $${ for a plain ${"};
      }
      out += replace(text.substr(i + 2, end - i - 2));
      i = end + 1;
    } else {
      out += text[i++];
    }
    if (out.size() > max_text)
      throw Mistake{scalar.mark(), "the text is longer than 1 MiB once every ${…} is replaced"};
  }
  return out;
}

std::string environment(const std::string& name, const Mark& mark) {
  const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
  if (value == nullptr) {
    throw Mistake{mark, "the environment variable " + in_quotes(name) + " is not set; set it or write the value here"};
  }
  return value;
}

constexpr std::string_view env_prefix = "env:";

/// The inside of a scalar that is one `${…}` and nothing else.
std::optional<std::string> whole_reference(const std::string& text) {
  if (!text.starts_with("${") || text.find('}') != text.size() - 1) return std::nullopt;
  return text.substr(2, text.size() - 3);
}

/// An empty text or a null's spelling stays a string: a variable never turns into nothing.
bool reads_as_null(const std::string& s) { return s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL"; }

using Keys = std::vector<std::string>;

Keys child(Keys keys, std::string key) {
  keys.push_back(std::move(key));
  return keys;
}

Keys split(const std::string& path) {
  Keys keys{""};
  for (const char c : path) {
    if (c == '.') {
      keys.emplace_back();
    } else {
      keys.back() += c;
    }
  }
  return keys;
}

bool is_prefix(const Keys& shorter, const Keys& longer) {
  return shorter.size() <= longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

std::size_t count_values(const Value& value) {
  std::size_t n = 1;
  for (const auto& item : value.items()) n += count_values(item);
  for (const auto& entry : value.entries()) n += count_values(entry.value);
  return n;
}

class Interpolation {
 public:
  explicit Interpolation(Value& root) : root_(root) {}

  void run() {
    visit(root_, {});
    problems_.raise();
  }

 private:
  /// Resolves all below `value`; at the top, mistakes are listed; inside of a reference they go up to its user.
  void visit(Value& value, const Keys& at) {
    for (Keys above = at; !above.empty(); above.pop_back()) {
      if (done_.contains(above)) return;  // what was put in is not looked through again
    }
    for (auto& entry : value.entries()) visit(entry.value, child(at, entry.key));
    for (std::size_t i = 0; i < value.items().size(); ++i) visit(value.items()[i], child(at, std::to_string(i)));
    if (!value.is_scalar() || value.text().find("${") == std::string::npos) return;
    if (!active_.empty()) return resolve(value, at);
    try {
      resolve(value, at);
    } catch (const Mistake& mistake) {
      active_.clear();
      problems_.add(mistake.mark, mistake.message);
    }
  }

  void resolve(Value& scalar, const Keys& at) {
    if (active_.size() > max_chain) throw Mistake{scalar.mark(), "more than 100 references, one behind the other"};
    active_.push_back(at);
    const auto reference = whole_reference(scalar.text());
    if (reference && !reference->starts_with(env_prefix)) {
      scalar = target(*reference, scalar);
    } else {
      const auto replace = [&](const std::string& inside) { return piece(inside, scalar); };
      std::string text = expand(scalar, replace);
      const bool quoted = reference ? reads_as_null(text) : scalar.quoted();
      scalar = Value::scalar(std::move(text), scalar.mark(), quoted);
    }
    active_.pop_back();
    done_.insert(at);
  }

  std::string piece(const std::string& inside, const Value& scalar) {
    if (inside.starts_with(env_prefix)) return environment(inside.substr(env_prefix.size()), scalar.mark());
    const Value found = target(inside, scalar);
    if (found.is_scalar()) return found.text();
    throw Mistake{scalar.mark(), in_quotes("${" + inside + "}") + " stands for " + found.describe() +
                                     "; inside a string only a scalar can stand"};
  }

  /// A copy of what `path` names, resolved.
  Value target(const std::string& path, const Value& user) {
    const Keys keys = split(path);
    const auto circle = [&](const Keys& active) { return is_prefix(keys, active); };
    Value* at = &root_;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Keys here(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i));
      if (at->is_scalar()) follow(*at, here, path, user);
      at = &step(*at, keys[i], path, user);
    }
    if (std::any_of(active_.begin(), active_.end(), circle)) {
      throw Mistake{user.mark(), in_quotes("${" + path + "}") + " goes in a circle"};
    }
    visit(*at, keys);
    if (at->is_null()) throw Mistake{user.mark(), in_quotes("${" + path + "}") + " names a value that is empty"};
    values_ += count_values(*at);
    if (values_ > max_values)
      throw Mistake{user.mark(), "the file holds more than 100000 values once every ${…} is replaced"};
    return *at;
  }

  void follow(Value& at, const Keys& keys, const std::string& path, const Value& user) {
    if (std::find(active_.begin(), active_.end(), keys) != active_.end()) {
      throw Mistake{user.mark(), in_quotes("${" + path + "}") + " goes in a circle"};
    }
    visit(at, keys);
  }

  static Value& step(Value& at, const std::string& key, const std::string& path, const Value& user) {
    if (Value* found = at.find(key)) return *found;
    if (at.is_list() && !key.empty() && key.size() < 6 && key.find_first_not_of("0123456789") == std::string::npos) {
      const std::size_t i = std::stoul(key);
      if (i < at.items().size()) return at.items()[i];
    }
    Keys known;
    for (const auto& entry : at.entries()) known.push_back(entry.key);
    const std::string near = nearest_name(key, known);
    throw Mistake{user.mark(), in_quotes("${" + path + "}") + " names nothing: there is no " + in_quotes(key) +
                                   (near.empty() ? "" : " (did you mean \"" + near + "\"?)")};
  }

  Value& root_;
  Problems problems_;
  std::set<Keys> done_;
  std::vector<Keys> active_;
  std::size_t values_ = 0;
};

}  // namespace

std::string expand_environment(const Value& scalar) {
  try {
    return expand(scalar, [&](const std::string& inside) {
      if (inside.starts_with(env_prefix)) return environment(inside.substr(env_prefix.size()), scalar.mark());
      throw Mistake{scalar.mark(), in_quotes("${" + inside + "}") + " cannot stand here; only ${env:NAME} can"};
    });
  } catch (const Mistake& mistake) {
    throw ConfigError(mistake.mark.text() + ": " + mistake.message);
  }
}

void interpolate(Value& root) { Interpolation(root).run(); }

}  // namespace dime
