// SPDX-License-Identifier: Apache-2.0
#include "report/text_file.hpp"

#include <dime/read_file.hpp>

#include "io/atomic_file.hpp"

namespace dime {

void replace_file(const std::filesystem::path& path, const std::string& text) {
  io::AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::optional<std::string> read_file_if_any(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto bytes = read_file(path);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace dime
