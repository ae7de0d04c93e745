// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include <dime/printable.hpp>

#include "config/followed.hpp"

namespace dime {
namespace {

constexpr int max_depth = 64;
constexpr int max_values = 100000;
constexpr std::uintmax_t max_bytes = 4 << 20;

[[noreturn]] void fail(const Mark& mark, const std::string& message) {
  throw ConfigError(mark.text() + ": " + message);
}

class Converter {
 public:
  explicit Converter(std::shared_ptr<const Origin> origin) : origin_(std::move(origin)) {}

  Mark mark(const YAML::Mark& m) const {
    return m.is_null() ? Mark{origin_, 0, 0} : Mark{origin_, m.line + 1, m.column + 1};
  }

  Value convert(const YAML::Node& node, int depth) {
    const Mark here = mark(node.Mark());
    if (depth > max_depth) fail(here, "nested deeper than " + std::to_string(max_depth) + " levels");
    if (++count_ > max_values)
      fail(here, "more than " + std::to_string(max_values) + " values (aliases count in full)");
    check_tag(node, here);
    if (node.IsScalar()) return scalar(node, here);
    if (node.IsSequence()) return list(node, here, depth);
    if (node.IsMap()) return map(node, here, depth);
    Value nothing;
    nothing.set_mark(here);
    return nothing;
  }

 private:
  static constexpr const char* string_tag = "tag:yaml.org,2002:str";

  static void check_tag(const YAML::Node& node, const Mark& here) {
    const std::string& tag = node.Tag();
    if (tag.empty() || tag == "?" || tag == "!") return;
    const char* own = node.IsScalar() ? string_tag : node.IsMap() ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq";
    if (tag != own) fail(here, "the tag " + in_quotes(tag) + " is not known; leave it out");
  }

  static Value scalar(const YAML::Node& node, const Mark& here) {
    return Value::scalar(node.Scalar(), here, node.Tag() == "!" || node.Tag() == string_tag);
  }

  Value list(const YAML::Node& node, const Mark& here, int depth) {
    std::vector<Value> items;
    for (const auto& item : node) items.push_back(convert(item, depth + 1));
    return Value::list(std::move(items), here);
  }

  Value map(const YAML::Node& node, const Mark& here, int depth) {
    std::vector<Value::Entry> entries;
    std::unordered_set<std::string> keys;
    std::vector<Value> merged;
    for (const auto& pair : node) {
      const Mark at = mark(pair.first.Mark());
      if (!pair.first.IsScalar()) fail(at, "a key must be a string");
      check_tag(pair.first, at);
      const std::string& key = pair.first.Scalar();
      Value value = convert(pair.second, depth + 1);
      if (key == "<<" && pair.first.Tag() == "?") {
        collect_merged(std::move(value), at, merged);
      } else if (!keys.insert(key).second) {
        fail(at, "the key " + in_quotes(key) + " stands twice in this map; remove one");
      } else {
        entries.push_back({key, std::move(value), at});
      }
    }
    for (auto& other : merged) {
      for (auto& entry : other.entries()) {
        if (keys.insert(entry.key).second) entries.push_back(std::move(entry));
      }
    }
    return Value::map(std::move(entries), here);
  }

  static void collect_merged(Value value, const Mark& at, std::vector<Value>& merged) {
    std::vector<Value> parts = value.is_list() ? value.items() : std::vector<Value>{std::move(value)};
    for (auto& part : parts) {
      if (!part.is_map()) fail(at, "\"<<\" takes a map or a list of maps, got " + part.describe());
      merged.push_back(std::move(part));
    }
  }

  std::shared_ptr<const Origin> origin_;
  int count_ = 0;
};

std::string read_text(const std::filesystem::path& file, const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) throw ConfigError("cannot read " + name + ": it is a folder");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw ConfigError("cannot read " + name + ": " + std::strerror(errno));
  std::string text(max_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw ConfigError("cannot read " + name + ": " + std::strerror(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_bytes) throw ConfigError(name + ": larger than 4 MiB; an experiment file is a short text");
  return text;
}

}  // namespace

Value parse_yaml(std::string_view text, std::shared_ptr<const Origin> origin) {
  Converter converter(origin);
  try {
    const auto documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) fail(converter.mark(documents[1].Mark()), "a second document; a file holds one");
    if (!documents.empty()) return converter.convert(documents[0], 1);
  } catch (const YAML::Exception& e) {
    fail(converter.mark(e.mark), "not valid YAML: " + printable(e.msg));
  }
  Value nothing;
  nothing.set_mark({std::move(origin), 0, 0});
  return nothing;
}

Value load_yaml(const std::filesystem::path& file, const std::string& name) {
  if (file.empty()) throw ConfigError("the name of the experiment file is empty; name a file");
  const std::string shown = printable(name.empty() ? file.string() : name, PATH_MAX);
  const std::string text = read_text(file, shown);  // before its folder: a name that leads nowhere fails here
  const auto folder = followed(std::filesystem::absolute(file).parent_path());
  const auto origin = std::make_shared<const Origin>(Origin{shown, folder});
  Value value = parse_yaml(text, origin);
  if (value.is_null()) throw ConfigError(shown + ": the file is empty; it takes a map of keys to values");
  if (!value.is_map()) fail(value.mark(), "the file takes a map of keys to values, got " + value.describe());
  return value;
}

}  // namespace dime
