// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "io/file_descriptor.hpp"

namespace dime::io {

/// What tells that a file is still the one it was.
struct FileState {
  std::uint64_t size = 0;
  std::int64_t written = 0;  ///< the time of its last change, in nanoseconds

  bool operator==(const FileState&) const = default;
};

/// The state of an open file. Throws IoError with `path`.
FileState file_state(const FileDescriptor& file, const std::filesystem::path& path);

/// The state of the file at `path`. Throws IoError.
FileState file_state(const std::filesystem::path& path);

}  // namespace dime::io
