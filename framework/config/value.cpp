// SPDX-License-Identifier: Apache-2.0
#include <dime/value.hpp>

#include <algorithm>

#include <dime/printable.hpp>

namespace dime {

std::string Mark::text() const {
  if (!origin) return "(default)";
  if (line <= 0) return origin->name;
  return origin->name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Value Value::scalar(std::string text, Mark mark, bool quoted) {
  Value v;
  v.kind_ = Kind::scalar;
  v.text_ = std::move(text);
  v.mark_ = std::move(mark);
  v.quoted_ = quoted;
  return v;
}

Value Value::list(std::vector<Value> items, Mark mark) {
  Value v;
  v.kind_ = Kind::list;
  v.items_ = std::move(items);
  v.mark_ = std::move(mark);
  return v;
}

Value Value::map(std::vector<Entry> entries, Mark mark) {
  Value v;
  v.kind_ = Kind::map;
  v.entries_ = std::move(entries);
  v.mark_ = std::move(mark);
  return v;
}

const std::vector<Value::Entry>& Value::entries() const { return entries_; }
std::vector<Value::Entry>& Value::entries() { return entries_; }

const Value* Value::find(std::string_view key) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  return it == entries_.end() ? nullptr : &it->value;
}

Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

void Value::set(std::string key, Value value, Mark key_mark) {
  if (is_null()) kind_ = Kind::map;
  if (Value* old = find(key)) {
    *old = std::move(value);
    return;
  }
  entries_.push_back({std::move(key), std::move(value), std::move(key_mark)});
}

void Value::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.key == key; });
}

Value Value::without(const std::vector<std::string>& keys) const {
  Value copy = *this;
  for (const auto& key : keys) copy.erase(key);
  return copy;
}

std::string Value::describe() const {
  switch (kind_) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::scalar:
      break;
  }
  return in_quotes(text_);
}

std::string in_quotes(std::string_view text) { return "\"" + printable(text, longest_shown) + "\""; }

}  // namespace dime
