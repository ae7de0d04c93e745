// SPDX-License-Identifier: Apache-2.0
// The text files of a data set in the form of vision-datasets: an index of images, and the names of their classes.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/text_row.hpp>

#include "image_manifest.hpp"
#include "shown_path.hpp"

namespace dime {

/// Class names by label, and the file that they are from; no names where there is none.
struct LabelMap {
  std::string from;
  std::vector<std::string> names;
};

/// The text of a file, without a byte order mark. Throws IoError.
inline std::string read_text(const std::filesystem::path& path) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  const std::vector<std::uint8_t> bytes = read_file(path);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  return std::string(text);
}

/// Calls `use(line, number)` for each line of a text, without the white space around it, numbered from 1.
template <class F>
void for_each_line(std::string_view text, F&& use) {
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    use(strip(text.substr(0, end)), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// A label map: one class name a line, UTF-8. Throws IoError, or DataError with file and line where a name is missing,
/// not UTF-8 or there twice.
inline LabelMap read_label_map(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  LabelMap map{shown_path(path), {}};
  std::map<std::string_view, std::uint64_t> lines;
  // Blank lines at the end name nothing; elsewhere they would shift the labels below.
  const std::size_t end = text.find_last_not_of(" \t\r\n\f\v") + 1;
  for_each_line(std::string_view(text).substr(0, end), [&](std::string_view line, std::uint64_t number) {
    const auto refuse = [&](const std::string& problem) {
      throw DataError(map.from + ":" + std::to_string(number) + ": " + problem);
    };
    if (line.empty()) refuse("the line is blank, where the name of class " + std::to_string(number - 1) + " belongs");
    if (find_invalid_utf8(line) != std::string_view::npos) refuse("the class name is not UTF-8");
    const auto [first, is_new] = lines.emplace(line, number);
    if (!is_new) {
      refuse("\"" + printable(line, longest_shown) + "\" is also the name of line " + std::to_string(first->second) +
             ": give each class a name of its own");
    }
    map.names.emplace_back(line);
  });
  if (map.names.empty()) throw DataError(map.from + " holds no class name");
  return map;
}

/// The class number that `text` is. Throws DataError when it is none, or beyond the classes of `map` where that has
/// names.
inline std::int32_t class_number(std::string_view text, const LabelMap& map) {
  std::int32_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw DataError("\"" + printable(text, longest_shown) +
                    "\" is no class number: a line is PATH LABEL, with labels counted from 0");
  }
  if (!map.names.empty() && static_cast<std::size_t>(number) >= map.names.size()) {
    throw DataError("the label " + std::to_string(number) + " is beyond the " + std::to_string(map.names.size()) +
                    " classes of " + map.from);
  }
  return number;
}

/// The one class number in a list with commas; ImageManifest::several where there are more. Throws as class_number.
inline std::int32_t label_of(std::string_view list, const LabelMap& map) {
  std::size_t comma = list.find(',');
  const std::int32_t first = class_number(list.substr(0, comma), map);
  if (comma == std::string_view::npos) return first;
  while (comma != std::string_view::npos) {
    list.remove_prefix(comma + 1);
    comma = list.find(',');
    class_number(list.substr(0, comma), map);
  }
  return ImageManifest::several;
}

/// An index: lines `PATH LABEL` or `PATH LABEL,LABEL,...`, blank ones passed over. What follows the last space of a
/// line is its labels. Throws IoError, or DataError with file and line.
inline ImageManifest read_index(const std::filesystem::path& path, const LabelMap& map) {
  ImageManifest images(read_text(path));
  const std::string& text = images.text();
  for_each_line(text, [&](std::string_view line, std::uint64_t number) {
    if (line.empty()) return;
    try {
      const std::size_t space = line.rfind(' ');
      if (space == std::string_view::npos) {
        throw DataError("\"" + printable(line) + "\" has no label: a line is PATH LABEL, with labels counted from 0");
      }
      images.add(static_cast<std::size_t>(line.data() - text.data()), space, label_of(line.substr(space + 1), map),
                 number);
    } catch (const DataError& e) {
      throw DataError(shown_path(path) + ":" + std::to_string(number) + ": " + e.what());
    }
  });
  if (images.size() == 0) throw DataError(shown_path(path) + " lists no image");
  return images;
}

}  // namespace dime
