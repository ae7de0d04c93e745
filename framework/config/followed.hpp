// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <system_error>

namespace dime {

/// The one name of a file that goes by several: absolute, links followed. `path` itself where they cannot be.
inline std::filesystem::path followed(const std::filesystem::path& path) {
  std::error_code error;
  auto found = std::filesystem::weakly_canonical(path, error);
  return error ? path : found;
}

}  // namespace dime
