// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace dime {

/// The stamp that `file` carries in its section `.dime_stamp`, read without opening the library.
/// Throws PluginError when there is none, and what elf_section says.
std::string read_stamp(const std::filesystem::path& file);

/// Throws PluginError when the stamp of `file` differs from `host`: names the fields that differ, and shows both
/// stamps.
void check_stamp(const std::filesystem::path& file, const std::string& host);

}  // namespace dime
