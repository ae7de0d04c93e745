// SPDX-License-Identifier: Apache-2.0
#include "config/compose.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include <dime/printable.hpp>

#include "config/followed.hpp"
#include "config/interpolate.hpp"
#include "config/yaml.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;
constexpr int max_files = 100;

[[noreturn]] void fail(const Mark& mark, const std::string& message) {
  throw ConfigError(mark.text() + ": " + message);
}

/// Why a file cannot be read, as seen from outside, or "".
std::string unusable(const fs::path& file) {
  std::error_code error;
  const auto kind = fs::status(file, error).type();
  if (kind == fs::file_type::not_found) return "a file that does not exist";
  if (kind == fs::file_type::directory) return "a folder";
  if (!error && ::access(file.c_str(), R_OK) != 0) error = {errno, std::generic_category()};
  return error ? "a file that cannot be read (" + error.message() + ")" : "";
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
    open_.push_back({followed(file), name});
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
    const std::string problem = unusable(file);
    if (!problem.empty()) fail(path.mark(), "`extends` names " + problem + ": " + printable(name));
    const fs::path same = followed(file);
    for (auto at = open_.begin(); at != open_.end(); ++at) {
      if (at->file != same) continue;
      std::string chain;
      for (auto it = at; it != open_.end(); ++it) chain += it->name + " -> ";
      fail(path.mark(), "`extends` goes in a circle: " + chain + at->name);
    }
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

void number_below(Value& value, std::uint64_t& last) {
  value.set_serial(++last);
  for (auto& item : value.items()) number_below(item, last);
  for (auto& entry : value.entries()) number_below(entry.value, last);
}

}  // namespace

Value merge(Value base, const Value& over) {
  if (!base.is_map() || !over.is_map() || type_changes(base, over)) return over;
  base.set_mark(over.mark());
  auto& mine = base.entries();
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < mine.size(); ++i) places.emplace(mine[i].key, i);
  std::unordered_set<std::string> removed;
  for (const auto& entry : over.entries()) {
    const auto at = places.find(entry.key);
    if (entry.value.is_null()) {
      removed.insert(entry.key);
    } else if (at == places.end()) {
      mine.push_back(entry);
    } else {
      mine[at->second].value = merge(std::move(mine[at->second].value), entry.value);
      mine[at->second].mark = entry.mark;
    }
  }
  std::erase_if(mine, [&](const Value::Entry& e) { return removed.contains(e.key); });
  return base;
}

void number_values(Value& root) {
  std::uint64_t last = 0;
  number_below(root, last);
}

Value compose(const fs::path& file, const std::vector<std::string>& overrides) {
  Value root = Extender().load(file, file.string());
  for (const auto& text : overrides) apply_override(root, text);
  interpolate(root);
  number_values(root);
  return root;
}

}  // namespace dime
