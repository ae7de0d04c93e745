// SPDX-License-Identifier: Apache-2.0
#include "config/compose.hpp"

#include <algorithm>

#include "config/interpolate.hpp"
#include "config/yaml.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;
constexpr int max_files = 100;

[[noreturn]] void fail(const Mark& mark, const std::string& message) {
  throw ConfigError(mark.text() + ": " + message);
}

/// Loads a file and all that it extends.
class Extender {
 public:
  Value load(const fs::path& file, const std::string& name) {
    if (++files_ > max_files)
      throw ConfigError(name + ": more than " + std::to_string(max_files) + " files by `extends`");
    Value own = load_yaml(file, name);
    const Value* extends = own.find("extends");
    if (extends == nullptr) return own;
    open_.push_back({fs::weakly_canonical(file), name});
    Value all = Value::map({}, own.mark());
    for (const Value& path : paths_of(*extends)) all = merge(std::move(all), load_stated(path, file));
    open_.pop_back();
    return merge(std::move(all), own.without({"extends"}));
  }

 private:
  struct Open {
    fs::path file;
    std::string name;
  };

  static std::vector<Value> paths_of(const Value& extends) {
    if (extends.is_null()) return {};
    std::vector<Value> paths = extends.is_list() ? extends.items() : std::vector<Value>{extends};
    for (const auto& path : paths) {
      if (!path.is_scalar() || path.text().empty()) {
        fail(path.mark(), "`extends` takes a path or a list of paths, got " + path.describe());
      }
    }
    return paths;
  }

  Value load_stated(const Value& path, const fs::path& from) {
    const fs::path stated = expand_environment(path);
    const fs::path file = path.mark().origin->directory / stated;
    const std::string name = (from.parent_path() / stated).lexically_normal().string();
    const fs::path canonical = fs::weakly_canonical(file);
    for (auto at = open_.begin(); at != open_.end(); ++at) {
      if (at->file != canonical) continue;
      std::string chain;
      for (auto it = at; it != open_.end(); ++it) chain += it->name + " -> ";
      fail(path.mark(), "`extends` goes in a circle: " + chain + at->name);
    }
    if (!fs::exists(file)) fail(path.mark(), "`extends` names a file that does not exist: " + name);
    return load(from.parent_path() / stated, name);
  }

  std::vector<Open> open_;
  int files_ = 0;
};

bool type_changes(const Value& base, const Value& over) {
  const Value* a = base.find("type");
  const Value* b = over.find("type");
  return a != nullptr && b != nullptr && a->text() != b->text();
}

}  // namespace

Value merge(Value base, const Value& over) {
  if (!base.is_map() || !over.is_map() || type_changes(base, over)) return over;
  base.set_mark(over.mark());
  for (const auto& entry : over.entries()) {
    const auto same = [&](const Value::Entry& e) { return e.key == entry.key; };
    auto& mine = base.entries();
    const auto at = std::find_if(mine.begin(), mine.end(), same);
    if (entry.value.is_null()) {
      base.erase(entry.key);
    } else if (at == mine.end()) {
      mine.push_back(entry);
    } else {
      at->value = merge(std::move(at->value), entry.value);
      at->mark = entry.mark;
    }
  }
  return base;
}

Value compose(const fs::path& file, const std::vector<std::string>& overrides) {
  Value root = Extender().load(file, file.string());
  for (const auto& text : overrides) apply_override(root, text);
  interpolate(root);
  return root;
}

}  // namespace dime
