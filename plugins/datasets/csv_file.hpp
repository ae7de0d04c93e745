// SPDX-License-Identifier: Apache-2.0
// The rows of a CSV or TSV file, read where they lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

#include <dime/csv.hpp>
#include <dime/error.hpp>
#include <dime/file_pool.hpp>
#include <dime/side_index.hpp>

#include "shown_path.hpp"

namespace dime {

/// A file of rows (see CsvForm), of which only the places are known: they are found once, in one pass, and kept beside
/// it (SideIndex). Every function is safe from many threads.
class CsvFile {
 public:
  /// Throws IoError, or DataError that names the line of a quote that is never closed.
  CsvFile(const std::filesystem::path& path, const CsvForm& form)
      : form_(form),
        file_(files_.add(path)),
        index_(path, kind(form), [this] { return scan(); }),
        rows_(checked([&] { return CsvRows(index_.numbers(), files_.size(file_)); })) {}
  CsvFile(const CsvFile&) = delete;
  CsvFile& operator=(const CsvFile&) = delete;

  /// The number of rows, of which a header is one.
  std::size_t size() const { return rows_.size(); }
  /// The line, from 1, in which row i begins.
  std::uint64_t line(std::size_t i) const { return rows_.line(i); }

  /// The fields of row i. Throws RowError, without saying where the row is, when the row is broken or longer than
  /// 16 MiB; IoError when the file is not as it was; DataError when the index does not fit the file.
  std::vector<std::string> fields(std::size_t i) const {
    constexpr std::uint64_t longest = std::uint64_t{1} << 24;
    const auto [begin, end] = checked([&] { return rows_.bytes(i); });
    if (end - begin > longest) {
      throw RowError("the row has " + std::to_string(end - begin) + " bytes, more than the " + std::to_string(longest) +
                     " that a row may have: is a closing quote missing?");
    }
    std::string bytes(static_cast<std::size_t>(end - begin), '\0');
    files_.read(file_, begin, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    return split_csv_row(bytes, form_);
  }

 private:
  // Where the rows begin depends on the form.
  static std::string kind(const CsvForm& form) {
    return "csv 1 " + std::to_string(static_cast<unsigned char>(form.separator)) + (form.quotes ? " quotes" : "");
  }

  template <class F>
  std::invoke_result_t<F> checked(F&& work) const {
    try {
      return work();
    } catch (const DataError& e) {
      const std::string path = shown_path(files_.path(file_));
      throw DataError(path + ".dimeidx does not fit " + path + ": " + e.what() + "; delete it to have it made anew");
    }
  }

  std::vector<std::uint64_t> scan() const {
    constexpr std::uint64_t most = std::uint64_t{1} << 20;
    CsvScan scan(form_);
    std::vector<std::uint8_t> block;
    for (std::uint64_t at = 0; at < files_.size(file_); at += block.size()) {
      block.resize(static_cast<std::size_t>(std::min(most, files_.size(file_) - at)));
      files_.read(file_, at, block);
      scan.add(block);
    }
    if (const auto line = scan.open_quote()) {
      throw DataError(shown_path(files_.path(file_)) + ":" + std::to_string(*line) +
                      ": the quote that opens here is never closed: close it, or give quotes: false where a quote is "
                      "a character like others");
    }
    return scan.take_numbers();
  }

  CsvForm form_;
  FilePool files_;
  std::size_t file_;
  SideIndex index_;
  CsvRows rows_;
};

}  // namespace dime
