// SPDX-License-Identifier: Apache-2.0
// Which files an experiment names as its shards.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/shard_list.hpp>

#include "../image_files.hpp"
#include "../shown_path.hpp"

namespace dime::webdataset {

/// A range of whole numbers in braces.
struct Range {
  std::size_t begin = 0;  ///< where its brace opens
  std::size_t end = 0;    ///< one past the brace that closes it
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::size_t digits = 0;  ///< at least so many, with zeros in front
};

/// The first {FIRST..LAST} in `text` from `from` on; begin == end where there is none.
inline Range find_range(std::string_view text, std::size_t from = 0) {
  for (std::size_t open = text.find('{', from); open != std::string_view::npos; open = text.find('{', open + 1)) {
    Range range{open, 0, 0, 0, 0};
    const char* const end = text.data() + text.size();
    const auto [dots, wrong] = std::from_chars(text.data() + open + 1, end, range.first);
    if (wrong != std::errc{} || !std::string_view(dots, end).starts_with("..")) continue;
    const auto [close, wrong_too] = std::from_chars(dots + 2, end, range.last);
    if (wrong_too != std::errc{} || close == end || *close != '}') continue;
    range.end = static_cast<std::size_t>(close + 1 - text.data());
    range.digits = static_cast<std::size_t>(dots - text.data()) - open - 1;
    return range;
  }
  return {};
}

/// `text` with each number of each {FIRST..LAST} in its place, the last range running fastest; {000..010} keeps the
/// zeros in front. Other braces stay. Throws DataError, without the place, for a range that runs down and for more than
/// a million names.
inline std::vector<std::string> expand_ranges(const std::string& text) {
  constexpr std::uint64_t most = 1'000'000;
  std::vector<std::string> names{""};
  std::size_t done = 0;
  for (Range range = find_range(text); range.end != 0; range = find_range(text, done)) {
    const std::string shown = printable(text.substr(range.begin, range.end - range.begin), longest_shown);
    if (range.last < range.first) throw DataError("the range " + shown + " runs down: write the lower number first");
    if (range.last - range.first >= most / names.size()) {
      throw DataError("the range " + shown + " gives more than " + std::to_string(most) + " names");
    }
    std::vector<std::string> longer;
    for (const auto& name : names) {
      for (std::uint64_t i = 0; i <= range.last - range.first; ++i) {
        std::string digits = std::to_string(range.first + i);
        if (digits.size() < range.digits) digits.insert(0, range.digits - digits.size(), '0');
        longer.push_back(name + text.substr(done, range.begin - done) + digits);
      }
    }
    names = std::move(longer);
    done = range.end;
  }
  for (auto& name : names) name += text.substr(done);
  return names;
}

/// The .tar files of a folder, by name. Throws DataError.
inline std::vector<ListedShard> shards_of_folder(const std::filesystem::path& folder) {
  std::vector<ListedShard> shards;
  for (const auto& entry : image_files::entries_of(folder)) {
    if (entry.path().extension() != ".tar") continue;
    if (image_files::type_of(entry) != std::filesystem::file_type::regular) continue;
    shards.push_back({entry.path().filename().string(), entry.path(), ""});
  }
  if (shards.empty()) throw DataError("the folder " + shown_path(folder) + " holds no .tar file");
  return shards;
}

/// The files in `list`, as read_shard_list, with ranges expanded. Throws DataError and IoError.
inline std::vector<ListedShard> shards_of_list(const std::filesystem::path& list, const std::filesystem::path& root) {
  const auto folder = root.empty() ? list.parent_path() : root;
  std::vector<ListedShard> shards;
  for (const auto& line : read_shard_list(list, root)) {
    try {
      for (const auto& name : expand_ranges(line.name)) shards.push_back({name, folder / name, line.place});
    } catch (const DataError& e) {
      throw DataError(line.place + ": " + e.what());
    }
  }
  if (shards.empty()) throw DataError(shown_path(list) + " lists no shard; put one .tar file on each line");
  return shards;
}

/// The shards that `list` names: a folder, a .list, a .tar, or a path with ranges that ends with .tar. Throws DataError
/// and IoError.
inline std::vector<ListedShard> find_shards(const std::filesystem::path& list, const std::filesystem::path& root) {
  std::error_code ignored;
  if (std::filesystem::is_directory(list, ignored)) return shards_of_folder(list);
  if (list.extension() == ".list") return shards_of_list(list, root);
  if (list.extension() != ".tar") {
    throw DataError(shown_path(list) + " is neither a folder, nor a .list of shards, nor a .tar shard");
  }
  std::vector<ListedShard> shards;
  for (const auto& path : expand_ranges(list.string())) {
    shards.push_back({std::filesystem::path(path).filename().string(), path, ""});
  }
  return shards;
}

}  // namespace dime::webdataset
