// SPDX-License-Identifier: Apache-2.0
// Whole files into memory. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The bytes of a file. Throws IoError with the path and the reason; what is no regular file (a folder, a pipe) is
/// refused.
DIME_API std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

/// The bytes of a file, unpacked when its content (not its name) is gzip.
/// Throws IoError as read_file, DataError when the gzip stream is damaged or cut short, or holds more than `largest`
/// bytes.
DIME_API std::vector<std::uint8_t> read_unpacked_file(const std::filesystem::path& path,
                                                      std::size_t largest = SIZE_MAX);

}  // namespace dime
