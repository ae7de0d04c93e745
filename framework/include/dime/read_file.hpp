// SPDX-License-Identifier: Apache-2.0
// Whole files into memory. Torch-free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The bytes of a file. Throws IoError with the path and the system's reason.
DIME_API std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

/// The bytes of a file, unpacked when its content (not its name) is gzip.
/// Throws IoError when it cannot be read, DataError when the gzip stream is damaged or cut short.
DIME_API std::vector<std::uint8_t> read_unpacked_file(const std::filesystem::path& path);

}  // namespace dime
