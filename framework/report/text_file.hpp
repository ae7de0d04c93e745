// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace dime {

/// Writes `text` aside, synced and renamed: a reader sees the old file or the whole new one. Throws IoError.
void replace_file(const std::filesystem::path& path, const std::string& text);

/// The whole file, or nothing when there is none. Throws IoError when it is there and cannot be read.
std::optional<std::string> read_file_if_any(const std::filesystem::path& path);

}  // namespace dime
