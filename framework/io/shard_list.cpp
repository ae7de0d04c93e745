// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/shard_list.hpp>
#include <dime/text_row.hpp>

#include "io/file_descriptor.hpp"

namespace dime {

std::vector<ListedShard> read_shard_list(const std::filesystem::path& list, const std::filesystem::path& root) {
  const auto bytes = read_file(list);
  const auto folder = root.empty() ? list.parent_path() : root;
  std::vector<ListedShard> shards;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view name = strip(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name.empty()) continue;
    const std::string place = io::shown(list) + ":" + std::to_string(line);
    if (name.find('\0') != std::string_view::npos) {
      throw DataError(place + ": \"" + printable(name) + "\" holds a NUL byte, which no file name can");
    }
    shards.push_back({std::string(name), folder / name, place});
  }
  return shards;
}

}  // namespace dime
