// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace dime {

/// The JSON object in a file; an empty object when there is no file. Throws IoError, or DataError when the file holds
/// something else.
nlohmann::ordered_json read_json_object(const std::filesystem::path& path);

/// Writes `value`, indented, aside and renamed. Throws IoError.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& value);

/// Indented lines; text and numbers as in json_line.
std::string json_text(const nlohmann::ordered_json& value);

/// One line. Text that is not UTF-8 (a file's name may be any bytes) is written with replacement characters;
/// a number that is not finite is written as null, as JSON has no word for it.
std::string json_line(const nlohmann::ordered_json& value);

}  // namespace dime
