// SPDX-License-Identifier: Apache-2.0
// JSON from outside, its types checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "shown_path.hpp"

namespace dime {

/// A file of JSON. Throws IoError, or DataError with the path.
inline nlohmann::json read_json(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  try {
    return nlohmann::json::parse(bytes.begin(), bytes.end());
  } catch (const nlohmann::json::parse_error& e) {
    throw DataError(shown_path(path) + " is no JSON: it does not parse at byte " + std::to_string(e.byte));
  } catch (const nlohmann::json::exception&) {
    throw DataError(shown_path(path) + " is no JSON: it holds a number out of range");
  }
}

/// An object in a file; its members, with errors that name file, object and member.
class JsonFields {
 public:
  /// Element `number` of `list` in `file`, or its member `part`; these are for messages. All must outlive this object.
  /// Throws DataError when it is no object.
  JsonFields(const nlohmann::json& object, const std::string& file, const char* list, std::size_t number,
             const std::string& part = "")
      : object_(object), file_(file), list_(list), number_(number), part_(part) {
    if (!object.is_object()) refuse("is no object");
  }

  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }

  /// Each throws DataError when the member is missing or of another type.
  std::string string(const char* key) const {
    if (!member(key).is_string()) refuse_type(key, "string");
    return object_.at(key).get<std::string>();
  }
  std::int64_t integer(const char* key) const {
    const nlohmann::json& value = member(key);
    const bool large = value.is_number_unsigned() &&
                       value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!value.is_number_integer() || large) refuse_type(key, "integer");
    return value.get<std::int64_t>();
  }
  /// The member `key` as an object.
  JsonFields object(const std::string& key) const { return {member(key.c_str()), file_, list_, number_, "." + key}; }
  /// The string, or `otherwise` where it is missing or null.
  std::string string_or(const char* key, const std::string& otherwise) const {
    return has(key) ? string(key) : otherwise;
  }

  /// Throws DataError: "FILE: LIST[NUMBER].PART", then `problem`.
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(file_ + ": " + list_ + "[" + std::to_string(number_) + "]" + part_ + " " + problem);
  }

 private:
  const nlohmann::json& member(const char* key) const {
    if (!has(key)) refuse("has no \"" + std::string(key) + "\"");
    return object_.at(key);
  }
  [[noreturn]] void refuse_type(const char* key, const std::string& type) const {
    refuse("has a \"" + std::string(key) + "\" that is no " + type);
  }

  const nlohmann::json& object_;
  const std::string& file_;
  const char* list_;
  std::size_t number_;
  std::string part_;
};

}  // namespace dime
