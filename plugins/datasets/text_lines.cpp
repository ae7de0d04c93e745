// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/text_row.hpp>

#include "shown_path.hpp"

namespace {

constexpr const char* kName = "dataset/text_lines";

class TextLines final : public dime::Dataset {
 public:
  struct Options {
    dime::Path file;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Sentences, one a line, UTF-8, in a plain or gzip-compressed file (told apart by content). Blank lines "
               "are skipped, white "
               "space around a sentence is dropped, and the key of a row is its line number in the file, from 1. The "
               "whole file is kept "
               "in memory; for more text than that, use tsv_texts.")
        .option("file", &Options::file, "The file.", dime::required);
  }

  explicit TextLines(const Options& o)
      : name_(dime::printable(o.file.filename().string())),
        bytes_(dime::with_name(kName, [&] { return dime::read_unpacked_file(o.file); })) {
    find_lines();
    if (lines_.empty())
      throw dime::DataError("[" + std::string(kName) + "] " + dime::shown_path(o.file) + " holds no text");
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(lines_.size()); }
  dime::DatasetInfo info() const override { return {.text = true}; }

  std::string where(std::int64_t i) const override {
    return name_ + ":" + std::to_string(lines_[static_cast<std::size_t>(i)].number);
  }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    const Line& line = lines_[static_cast<std::size_t>(i)];
    const std::string_view text = text_from(line.begin);
    dime::Row row;
    row.key = std::to_string(line.number);
    if (const auto at = dime::find_invalid_utf8(text); at != std::string_view::npos) {
      throw dime::RowError("[" + std::string(kName) + "] " + where(i) + ": the text is not UTF-8 at byte " +
                           std::to_string(at));
    }
    row.texts.emplace_back(text);
    return row;
  }

 private:
  struct Line {
    std::size_t begin;
    std::int64_t number;
  };

  std::string_view text_from(std::size_t begin) const {
    const std::string_view rest =
        std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()).substr(begin);
    return dime::strip(rest.substr(0, rest.find('\n')));
  }

  void find_lines() {
    std::int64_t number = 0;
    for (auto at = bytes_.begin(); at != bytes_.end();) {
      ++number;
      const auto begin = static_cast<std::size_t>(at - bytes_.begin());
      if (!text_from(begin).empty()) lines_.push_back({begin, number});
      at = std::find(at, bytes_.end(), '\n');
      if (at != bytes_.end()) ++at;
    }
  }

  std::string name_;
  std::vector<std::uint8_t> bytes_;
  std::vector<Line> lines_;
};

}  // namespace

DIME_DATASET("text_lines", TextLines)
