// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include <dime/printable.hpp>

#include "config/compose.hpp"
#include "config/yaml.hpp"

namespace dime {
namespace {

constexpr std::size_t max_depth = 64;

[[noreturn]] void fail(const std::string& message) { throw ConfigError("command line: " + message); }

std::vector<std::string> split(const std::string& path, const std::string& text) {
  std::vector<std::string> keys{""};
  for (const char c : path) {
    if (c == '.') {
      keys.emplace_back();
    } else {
      keys.back() += c;
    }
  }
  if (std::find(keys.begin(), keys.end(), "") != keys.end()) {
    fail(in_quotes(text) + " has an empty key; write key.path=value");
  }
  if (keys.size() > max_depth) fail(in_quotes(text) + " goes deeper than 64 keys");
  return keys;
}

/// The command line has no lines to show.
void drop_lines(Value& value) {
  for (auto& item : value.items()) drop_lines(item);
  for (auto& entry : value.entries()) {
    drop_lines(entry.value);
    entry.mark.line = 0;
  }
  value.set_mark({value.mark().origin, 0, value.mark().column});
}

std::size_t item_number(const Value& list, const std::string& key, const std::string& text) {
  std::size_t i = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), i);
  if (error != std::errc() || end != key.data() + key.size()) {
    fail(in_quotes(text) + " names " + in_quotes(key) + " in a list; items go by number from 0");
  }
  if (i >= list.items().size()) {
    fail(in_quotes(text) + " names item " + printable(key, longest_shown) + " of a list of " +
         std::to_string(list.items().size()));
  }
  return i;
}

class Override {
 public:
  Override(std::string text, std::vector<std::string> keys, Value value)
      : text_(std::move(text)), keys_(std::move(keys)), value_(std::move(value)) {}

  Value put(Value at, std::size_t depth) const {
    if (depth == keys_.size()) return merge(std::move(at), value_);
    if (at.is_list()) return put_item(at, depth);
    if (at.is_scalar()) {
      fail(in_quotes(text_) + " sets a key inside " + at.describe() + ", which is no map (" + at.mark().text() + ")");
    }
    const std::string& key = keys_[depth];
    if (value_.is_null() && at.find(key) == nullptr) fail_removal(at, key);
    if (value_.is_null() && depth + 1 == keys_.size()) {
      at.erase(key);
      return at;
    }
    const Value* old = at.find(key);
    if (at.is_null()) at.set_mark(value_.mark());
    at.set(key, put(old == nullptr ? Value() : *old, depth + 1), value_.mark());
    mark_key(at, key, depth);
    return at;
  }

 private:
  Value put_item(const Value& list, std::size_t depth) const {
    std::vector<Value> items = list.items();
    const std::size_t i = item_number(list, keys_[depth], text_);
    if (value_.is_null() && depth + 1 == keys_.size()) {
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      items[i] = put(std::move(items[i]), depth + 1);
    }
    return Value::list(std::move(items), list.mark());
  }

  void mark_key(Value& map, const std::string& key, std::size_t depth) const {
    if (depth + 1 != keys_.size()) return;
    for (auto& entry : map.entries()) {
      if (entry.key == key) entry.mark = value_.mark();
    }
  }

  [[noreturn]] void fail_removal(const Value& at, const std::string& key) const {
    std::vector<std::string> known;
    for (const auto& entry : at.entries()) known.push_back(entry.key);
    const std::string near = nearest_name(key, known);
    fail(in_quotes(text_) + " removes nothing: there is no " + in_quotes(key) +
         (near.empty() ? "" : " (did you mean \"" + near + "\"?)"));
  }

  std::string text_;
  std::vector<std::string> keys_;
  Value value_;
};

}  // namespace

void apply_override(Value& root, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) fail(in_quotes(text) + " is no override; write key.path=value");
  auto keys = split(text.substr(0, equals), text);
  // The files were put together before this.
  if (keys.front() == "extends") fail(in_quotes(text) + " comes too late; write `extends` in the file");
  const auto origin = std::make_shared<const Origin>(Origin{"command line", std::filesystem::current_path()});
  Value value;
  try {
    value = parse_yaml(std::string_view(text).substr(equals + 1), origin);
  } catch (const ConfigError& e) {
    const std::string message = e.what();  // "command line:1:2: …": the place says nothing here
    fail(in_quotes(text) + ": " + message.substr(message.find(": ") + 2));
  }
  drop_lines(value);
  root = Override(text, std::move(keys), std::move(value)).put(std::move(root), 0);
}

}  // namespace dime
