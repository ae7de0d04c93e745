// SPDX-License-Identifier: Apache-2.0
// Reads one section of a shared library without opening it as code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dime {

/// The bytes of section `name` in the 64-bit little-endian ELF image `bytes`, or nothing when it has none.
/// Throws PluginError ("FILE: …") when the image is no such ELF or its tables point outside of it.
std::optional<std::string> elf_section(std::span<const std::uint8_t> bytes, std::string_view name,
                                       const std::string& file);

/// The same of a file. Throws PluginError also when it cannot be read or is larger than 4 GiB.
std::optional<std::string> elf_section(const std::filesystem::path& file, std::string_view name);

}  // namespace dime
