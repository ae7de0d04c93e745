// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/file_pool.hpp>
#include <dime/printable.hpp>
#include <dime/random.hpp>
#include <dime/text_row.hpp>

#include "shown_path.hpp"

namespace {

constexpr const char* kName = "dataset/subset";
constexpr std::uint64_t kPurpose = 0x737562736574;  // "subset": apart from what else is drawn under the same seed
constexpr std::uint64_t kBlock = std::uint64_t{1} << 16;
constexpr std::size_t kLongestLine = 256;

[[noreturn]] void refuse(const std::string& problem) {
  throw dime::ConfigError("[" + std::string(kName) + "] " + problem);
}

/// The row numbers that a file lists.
class RowList {
 public:
  RowList(const std::filesystem::path& path, std::int64_t available)
      : path_(path), available_(available), taken_(static_cast<std::size_t>(available)) {}

  std::vector<std::int64_t> read() {
    dime::FilePool files;
    const std::size_t file = files.add(path_);
    std::vector<std::uint8_t> block;
    for (std::uint64_t at = 0; at < files.size(file); at += block.size()) {
      block.resize(static_cast<std::size_t>(std::min(kBlock, files.size(file) - at)));
      files.read(file, at, block);
      for (const std::uint8_t byte : block) add(static_cast<char>(byte));
    }
    end_line();
    if (rows_.empty()) {
      throw dime::DataError(dime::shown_path(path_) + " lists no row; put one row number on each line, from 0");
    }
    return std::move(rows_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw dime::DataError(dime::shown_path(path_) + ":" + std::to_string(line_number_) + ": " + problem);
  }

  void add(char c) {
    if (c == '\n') return end_line();
    if (line_.size() == kLongestLine) fail("the line is too long for a row number");
    line_.push_back(c);
  }

  void end_line() {
    const std::string_view text = dime::strip(line_);
    if (!text.empty()) take(text);
    line_.clear();
    ++line_number_;
  }

  void take(std::string_view text) {
    std::uint64_t row = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
    const std::string shown = dime::printable(text, dime::longest_shown);
    if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
      fail("\"" + shown + "\" is no row number");
    }
    if (error == std::errc::result_out_of_range || row >= static_cast<std::uint64_t>(available_)) {
      fail("there is no row " + shown + ": the source has the rows 0 to " + std::to_string(available_ - 1));
    }
    if (taken_[row]) fail("row " + shown + " is listed twice");
    taken_[row] = true;
    rows_.push_back(static_cast<std::int64_t>(row));
  }

  std::filesystem::path path_;
  std::int64_t available_;
  std::vector<bool> taken_;
  std::vector<std::int64_t> rows_;
  std::string line_;
  std::int64_t line_number_ = 1;
};

class Subset final : public dime::Dataset {
 public:
  struct Options {
    dime::Component of;
    std::optional<dime::Path> rows;
    std::optional<double> fraction;
    std::optional<std::int64_t> first;
    std::int64_t seed = 0;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "A part of another source: listed rows, a random share, or the first rows. Give exactly one of `rows`, "
               "`fraction` and `first`.\n"
               "A fraction f of n rows is floor(f n) of them, at least one, in their own order. Which ones, n and "
               "`seed` alone decide, and a smaller fraction is a part of a larger one. So features that are stored for "
               "the whole source go through a subset of the same fraction and seed, and still belong to it row by row. "
               "Takes 8 bytes of memory a row, none for `first`.")
        .option("of", &Options::of, "The source.", dime::required)
        .option("rows", &Options::rows,
                "A file of row numbers, one a line, from 0. Their order is kept, blank lines are ignored, none may "
                "stand twice.")
        .option("fraction", &Options::fraction, "The share of the rows, above 0.", dime::between(0, 1))
        .option("first", &Options::first, "How many rows, from the beginning.",
                dime::Range{1, std::numeric_limits<double>::infinity(), false})
        .option("seed", &Options::seed, "Draws the rows of a fraction.");
  }

  Subset(const Options& o, const dime::Builder& builder) {
    check(o);
    of_ = builder.dataset(o.of);
    dime::with_name(kName, [&] { choose(o); });
  }

  std::int64_t size() const override { return size_; }
  dime::DatasetInfo info() const override { return of_->info(); }
  std::string where(std::int64_t i) const override { return of_->where(row_of(i)); }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size_);
    return of_->get(row_of(i));
  }

  // Rows that follow each other in the source are told together.
  void will_need(std::int64_t first, std::int64_t count) const override {
    if (rows_.empty()) return of_->will_need(first, count);
    for (std::int64_t i = first, end = std::min(first + count, size_); i < end;) {
      const std::int64_t begin = i++;
      while (i < end && row_of(i) == row_of(i - 1) + 1) ++i;
      of_->will_need(row_of(begin), i - begin);
    }
  }

 private:
  static void check(const Options& o) {
    std::vector<std::string> given;
    if (o.rows) given.emplace_back("rows");
    if (o.fraction) given.emplace_back("fraction");
    if (o.first) given.emplace_back("first");
    if (given.empty()) refuse("needs one of rows, fraction and first");
    if (given.size() > 1) refuse("takes one of rows, fraction and first, got " + dime::join(given, " and "));
    if (o.fraction && *o.fraction == 0) refuse("fraction must be above 0, got 0");
  }

  void choose(const Options& o) {
    const std::int64_t available = of_->size();
    if (available <= 0) throw dime::DataError("its source is empty");
    if (o.rows) {
      rows_ = RowList(*o.rows, available).read();
      size_ = static_cast<std::int64_t>(rows_.size());
    } else if (o.first) {
      size_ = *o.first;
      if (size_ > available) {
        throw dime::DataError("first: there are no " + std::to_string(size_) + " rows, the source has " +
                              std::to_string(available));
      }
    } else {
      draw(available, *o.fraction, static_cast<std::uint64_t>(o.seed));
    }
  }

  void draw(std::int64_t available, double fraction, std::uint64_t seed) {
    // 0.29 of 100 rows is 29, though the double next to 0.29 is a little less.
    const double wanted = fraction * static_cast<double>(available);
    const double rounded = wanted * (1 + 4 * std::numeric_limits<double>::epsilon());
    size_ = std::clamp(static_cast<std::int64_t>(rounded), std::int64_t{1}, available);
    if (size_ == available) return;
    const dime::Permutation order(static_cast<std::uint64_t>(available), dime::random_key({seed, kPurpose}));
    rows_.resize(static_cast<std::size_t>(size_));
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = static_cast<std::int64_t>(order(i));
    std::sort(rows_.begin(), rows_.end());
  }

  std::int64_t row_of(std::int64_t i) const { return rows_.empty() ? i : rows_[static_cast<std::size_t>(i)]; }

  std::shared_ptr<const dime::Dataset> of_;
  std::int64_t size_ = 0;
  std::vector<std::int64_t> rows_;  // empty where row i is row i of the source
};

}  // namespace

DIME_DATASET("subset", Subset)
