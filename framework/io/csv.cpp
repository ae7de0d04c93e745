// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <dime/csv.hpp>
#include <dime/error.hpp>

namespace dime {
namespace {

using Place = CsvScan::Place;

constexpr std::string_view kMark = "\xef\xbb\xbf";

// Shared by scan and split, so that they cannot disagree on where a row ends.
Place after(Place place, char c, const CsvForm& form) {
  if (place == Place::quoted) return c == '"' ? Place::quote_in_quoted : Place::quoted;
  if (place == Place::quote_in_quoted && c == '"') return Place::quoted;
  if (c == '\n') return Place::line_start;
  if (c == form.separator) return Place::field_start;
  const bool begins = place == Place::line_start || place == Place::field_start;
  return begins && c == '"' && form.quotes ? Place::quoted : Place::plain;
}

bool is_blank(char c, const CsvForm& form) {
  return std::string_view(" \t\r\v\f").find(c) != std::string_view::npos && c != form.separator;
}

// Takes one row apart.
class Splitter {
 public:
  explicit Splitter(const CsvForm& form) : form_(form) {}

  std::vector<std::string> split(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (take(bytes[i], bytes.substr(i + 1)) == Place::line_start) break;
    }
    if (place_ == Place::quoted) throw RowError("the quote of column " + number() + " is never closed");
    if (place_ == Place::quote_in_quoted) closed_ = true;
    // Of the line break, the CR was taken for a part of the field.
    if (!closed_ && fields_.back().ends_with('\r')) fields_.back().pop_back();
    return std::move(fields_);
  }

 private:
  std::string number() const { return std::to_string(fields_.size() - 1) + " (counted from 0)"; }

  Place take(char c, std::string_view rest) {
    const Place before = place_;
    place_ = after(before, c, form_);
    if (before == Place::quote_in_quoted && place_ != Place::quoted) closed_ = true;
    if (place_ == Place::field_start) {
      fields_.emplace_back();
      closed_ = false;
    } else if (place_ == Place::plain) {
      add_plain(c, rest);
    } else if (place_ == Place::quoted && (before == Place::quoted || before == Place::quote_in_quoted)) {
      fields_.back().push_back(c);
    }
    return place_;
  }

  void add_plain(char c, std::string_view rest) {
    if (!closed_) {
      fields_.back().push_back(c);
    } else if (c != '\r' || !(rest.empty() || rest.front() == '\n')) {
      throw RowError("column " + number() +
                     " goes on after its closing quote: within a field in quotes, every quote must be doubled");
    }
  }

  const CsvForm& form_;
  Place place_ = Place::line_start;
  bool closed_ = false;  // the field was in quotes, and they are closed
  std::vector<std::string> fields_{1};
};

}  // namespace

void CsvScan::add(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::size_t same = count_unchanging(bytes);
    offset_ += same;
    if (same < bytes.size()) add(static_cast<char>(bytes[same]));
    bytes = bytes.subspan(std::min(same + 1, bytes.size()));
  }
}

// Most bytes are such; taking them one by one is several times slower.
std::size_t CsvScan::count_unchanging(std::span<const std::uint8_t> bytes) const {
  const bool within = place_ == Place::plain || place_ == Place::quoted;
  if (!within || !in_row_ || offset_ < kMark.size()) return 0;
  const auto stop = static_cast<std::uint8_t>(place_ == Place::quoted ? '"' : form_.separator);
  const auto changes = [stop](std::uint8_t byte) { return byte == '\n' || byte == stop; };
  return static_cast<std::size_t>(std::find_if(bytes.begin(), bytes.end(), changes) - bytes.begin());
}

void CsvScan::add(char c) {
  const Place before = place_;
  place_ = after(before, c, form_);
  if (!in_row_ && c != '\n' && !is_blank(c, form_)) begin_row();
  if (place_ == Place::quoted && before != Place::quoted && before != Place::quote_in_quoted) quote_line_ = line_;
  if (offset_ < kMark.size() && c == kMark[offset_]) ++mark_;
  ++offset_;
  if (c == '\n') ++line_;
  if (place_ == Place::line_start) {
    in_row_ = false;
    line_begin_ = offset_;
  }
  if (offset_ == kMark.size() && mark_ == kMark.size()) skip_mark();
}

void CsvScan::begin_row() {
  in_row_ = true;
  if (line_ != row_line_ + 1) jumps_.insert(jumps_.end(), {numbers_.size() - 1, line_});
  row_line_ = line_;
  numbers_.push_back(line_begin_);
}

// The mark was taken for the beginning of a row.
void CsvScan::skip_mark() {
  place_ = Place::line_start;
  in_row_ = false;
  line_begin_ = offset_;
  row_line_ = 0;
  numbers_.resize(1);
}

std::optional<std::uint64_t> CsvScan::open_quote() const {
  if (place_ != Place::quoted) return std::nullopt;
  return quote_line_;
}

std::vector<std::uint64_t> CsvScan::take_numbers() {
  numbers_[0] = numbers_.size() - 1;
  numbers_.insert(numbers_.end(), jumps_.begin(), jumps_.end());
  return std::move(numbers_);
}

CsvRows::CsvRows(std::span<const std::uint64_t> numbers, std::uint64_t table_size) : table_size_(table_size) {
  if (numbers.empty() || numbers[0] > numbers.size() - 1 || (numbers.size() - 1 - numbers[0]) % 2 != 0) {
    throw DataError("the numbers of the rows are damaged");
  }
  begins_ = numbers.subspan(1, numbers[0]);
  jumps_ = numbers.subspan(1 + begins_.size());
}

CsvRows::Bytes CsvRows::bytes(std::size_t i) const {
  const Bytes found{begins_[i], i + 1 < begins_.size() ? begins_[i + 1] : table_size_};
  if (found.begin < found.end && found.end <= table_size_) return found;
  throw DataError("the place of row " + std::to_string(i) + " is no part of the " + std::to_string(table_size_) +
                  " bytes of the table");
}

std::uint64_t CsvRows::line(std::size_t i) const {
  // The last jump at or before the row: first of the jumps after it, less one.
  std::size_t low = 0, high = jumps_.size() / 2;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (jumps_[2 * middle] <= i) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return i + 1;
  return jumps_[2 * low - 1] + (i - jumps_[2 * low - 2]);
}

std::vector<std::string> split_csv_row(std::string_view bytes, const CsvForm& form) {
  return Splitter(form).split(bytes);
}

}  // namespace dime
