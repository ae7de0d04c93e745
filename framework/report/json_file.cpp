// SPDX-License-Identifier: Apache-2.0
#include "report/json_file.hpp"

#include <dime/error.hpp>

#include "report/text_file.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Json read_json_object(const std::filesystem::path& path) {
  const auto text = read_file_if_any(path);
  if (!text) return Json::object();
  Json value = Json::parse(*text, nullptr, false);
  if (!value.is_object()) {
    throw DataError("file " + path.string() + " holds no JSON object; move it away to go on without it");
  }
  return value;
}

void write_json(const std::filesystem::path& path, const Json& value) { replace_file(path, json_text(value) + "\n"); }

std::string json_text(const Json& value) { return dump(value, 2); }

std::string json_line(const Json& value) { return dump(value, -1); }

}  // namespace dime
