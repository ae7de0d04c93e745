// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include "config/yaml.hpp"

namespace dime {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "${") == 0) out += '$';
    out += text[i];
  }
  return out;
}

void emit(YAML::Emitter& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      out << YAML::Null;
      break;
    case Value::Kind::scalar:
      if (value.quoted()) out << YAML::DoubleQuoted;
      out << escaped(value.text());
      break;
    case Value::Kind::list:
      out << YAML::BeginSeq;
      for (const auto& item : value.items()) emit(out, item);
      out << YAML::EndSeq;
      break;
    case Value::Kind::map:
      out << YAML::BeginMap;
      for (const auto& entry : value.entries()) {
        // A key "<<" that is not quoted would be read as a merge.
        out << YAML::Key;
        if (entry.key == "<<") out << YAML::DoubleQuoted;
        out << entry.key << YAML::Value;
        emit(out, entry.value);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

std::string to_yaml(const Value& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

Value absolute_paths(const Value& value, const Problems& read) {
  if (value.is_list()) {
    std::vector<Value> items;
    for (const auto& item : value.items()) items.push_back(absolute_paths(item, read));
    return Value::list(std::move(items), value.mark());
  }
  if (value.is_map()) {
    Value out = value;
    for (auto& entry : out.entries()) entry.value = absolute_paths(entry.value, read);
    return out;
  }
  if (!value.is_scalar() || !read.is_path(value)) return value;
  return Value::scalar(detail::resolved_path(value).string(), value.mark(), true);
}

}  // namespace dime
