// SPDX-License-Identifier: Apache-2.0
// Rows of image paths and labels, in little memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>

namespace dime {

/// Images, each `ARCHIVE@MEMBER` or the path of a file, with their labels: 32 bytes a row and one text for all paths.
class ImageManifest {
 public:
  /// The label of a row that has several.
  static constexpr std::int32_t several = -1;

  struct Archive {
    std::string name;
    std::size_t first_row;  ///< the first that names it
  };

  ImageManifest() = default;
  /// `text` holds the paths that are added by their place in it.
  explicit ImageManifest(std::string text) : text_(std::move(text)) {}

  const std::string& text() const { return text_; }

  /// Adds a row whose path is `size` bytes of the text from `begin`. `place` is the row's number in its file. Throws
  /// DataError, without the place, when the path is none.
  void add(std::size_t begin, std::size_t size, std::int32_t label, std::uint64_t place) {
    const std::string_view path = std::string_view(text_).substr(begin, size);
    if (const std::string problem = path_problem(path); !problem.empty()) throw DataError(problem);
    rows_.push_back({begin, place, static_cast<std::uint32_t>(size), label, archive_of(path)});
  }
  /// Adds a row whose path is put at the end of the text.
  void append(std::string_view path, std::int32_t label, std::uint64_t place) {
    const std::size_t begin = text_.size();
    text_ += path;
    add(begin, path.size(), label, place);
  }

  std::size_t size() const { return rows_.size(); }
  std::string_view path(std::size_t row) const {
    return std::string_view(text_).substr(rows_[row].begin, rows_[row].size);
  }
  std::int32_t label(std::size_t row) const { return rows_[row].label; }
  std::uint64_t place(std::size_t row) const { return rows_[row].place; }
  /// The number of the row's archive; none where the path is that of a file.
  std::optional<std::size_t> archive(std::size_t row) const {
    const std::uint32_t n = rows_[row].archive;
    return n == no_archive ? std::nullopt : std::optional<std::size_t>(n);
  }
  /// The name of the row's member in its archive.
  std::string member(std::size_t row) const { return with_slashes(path(row).substr(path(row).find('@') + 1)); }
  /// The archives, in the order of the rows that name them first.
  const std::vector<Archive>& archives() const { return archives_; }

  /// `path` as a file system has it: manifests that were written on Windows may have backslashes.
  static std::string with_slashes(std::string_view path) {
    std::string name(path);
    std::replace(name.begin(), name.end(), '\\', '/');
    return name;
  }

 private:
  static constexpr std::uint32_t no_archive = std::numeric_limits<std::uint32_t>::max();

  struct Row {
    std::size_t begin;
    std::uint64_t place;
    std::uint32_t size;
    std::int32_t label;
    std::uint32_t archive;
  };

  static std::string path_problem(std::string_view path) {
    constexpr std::size_t longest = 65535;
    const std::string shown = "\"" + printable(path) + "\"";
    const std::size_t at = path.find('@');
    if (path.empty()) return "there is no path";
    if (path.size() > longest) return "the path is longer than " + std::to_string(longest) + " bytes: " + shown;
    if (path.find('\0') != std::string_view::npos) return "the path holds a zero byte: " + shown;
    if (path.find("://") != std::string_view::npos) return shown + " is a URL: only files are read";
    if (at == 0) return shown + " names no archive before the @";
    if (at == path.size() - 1) return shown + " names no member after the @";
    return "";
  }

  std::uint32_t archive_of(std::string_view path) {
    const std::size_t at = path.find('@');
    if (at == std::string_view::npos) return no_archive;
    const std::string_view name = path.substr(0, at);
    // Rows of one archive mostly stand together.
    if (!rows_.empty() && rows_.back().archive != no_archive && archives_[rows_.back().archive].name == name) {
      return rows_.back().archive;
    }
    const auto known = numbers_.find(name);
    if (known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(archives_.size());
    archives_.push_back({std::string(name), rows_.size()});
    numbers_.emplace(name, number);
    return number;
  }

  std::string text_;
  std::vector<Row> rows_;
  std::vector<Archive> archives_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

}  // namespace dime
