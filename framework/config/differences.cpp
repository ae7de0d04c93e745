// SPDX-License-Identifier: Apache-2.0
#include "config/differences.hpp"

#include <algorithm>

#include <dime/printable.hpp>

namespace dime {
namespace {

std::string shown(const Value* value) {
  if (value == nullptr || value->is_null()) return "absent";
  return value->is_scalar() ? printable(value->text()) : value->describe();
}

bool same(const Value* a, const Value* b) {
  const bool none_a = a == nullptr || a->is_null(), none_b = b == nullptr || b->is_null();
  if (none_a || none_b) return none_a == none_b;
  // How a scalar is quoted says nothing of what it means.
  if (a->is_scalar() && b->is_scalar()) return a->text() == b->text();
  if (a->is_list() && b->is_list()) {
    return std::equal(a->items().begin(), a->items().end(), b->items().begin(), b->items().end(),
                      [](const Value& x, const Value& y) { return same(&x, &y); });
  }
  if (!a->is_map() || !b->is_map()) return false;
  const auto covers = [](const Value& x, const Value& y) {
    return std::all_of(x.entries().begin(), x.entries().end(),
                       [&](const auto& e) { return same(&e.value, y.find(e.key)); });
  };
  return covers(*a, *b) && covers(*b, *a);
}

class Finder {
 public:
  explicit Finder(const std::vector<std::string>& leave_out) : leave_out_(leave_out) {}

  void compare(const std::string& path, const Value* before, const Value* after) {
    if (std::find(leave_out_.begin(), leave_out_.end(), path) != leave_out_.end() || same(before, after)) return;
    const bool maps = before != nullptr && after != nullptr && before->is_map() && after->is_map();
    if (!maps) {
      found.push_back(printable(path) + ": " + shown(before) + " -> " + shown(after));
      return;
    }
    const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    for (const auto& e : before->entries()) compare(below(e.key), &e.value, after->find(e.key));
    for (const auto& e : after->entries()) {
      if (before->find(e.key) == nullptr) compare(below(e.key), nullptr, &e.value);
    }
  }

  std::vector<std::string> found;

 private:
  const std::vector<std::string>& leave_out_;
};

}  // namespace

std::vector<std::string> differences(const Value& before, const Value& after,
                                     const std::vector<std::string>& leave_out) {
  Finder finder(leave_out);
  finder.compare("", &before, &after);
  return finder.found;
}

}  // namespace dime
