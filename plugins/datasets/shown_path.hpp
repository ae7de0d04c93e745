// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <dime/printable.hpp>

namespace dime {

/// A path for messages: whole, for it is what must be found, and on one line.
inline std::string shown_path(const std::filesystem::path& path) {
  constexpr std::size_t longest = 4096;
  return printable(path.string(), longest);
}

}  // namespace dime
