// SPDX-License-Identifier: Apache-2.0
// Tables of comma- or tab-separated values, as RFC 4180 has them: where the rows lie, and what is in them. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// How the rows of a table are written. A field that begins with a quote ends with the next quote that is not doubled,
/// and may hold separators and line breaks between them; a quote anywhere else in a field is a character like others.
struct CsvForm {
  char separator = ',';  ///< neither a quote nor a line break
  bool quotes = true;    ///< false: every quote is a character like others, every line a row
};

/// Finds where the rows of a table begin, in one pass over its bytes.
///
/// A row ends with a line break (LF, CR LF) that stands in no quotes, or with the table. Lines of white space alone are
/// no rows. A UTF-8 byte order mark before the first row is not a part of it.
class DIME_API CsvScan {
 public:
  explicit CsvScan(CsvForm form) : form_(form) {}

  /// Takes the next bytes of the table, as many as there are at hand.
  void add(std::span<const std::uint8_t> bytes);
  /// The line, from 1, of the quote that is open after the bytes so far. At the end of the table it is one that nothing
  /// closes: it has swallowed all rows after it.
  std::optional<std::uint64_t> open_quote() const;
  /// What CsvRows reads, once all bytes are added; may be called once.
  std::vector<std::uint64_t> take_numbers();

  /// Where the scan is in a row.
  enum class Place { line_start, field_start, plain, quoted, quote_in_quoted };

 private:
  std::size_t count_unchanging(std::span<const std::uint8_t> bytes) const;
  void add(char c);
  void begin_row();
  void skip_mark();

  CsvForm form_;
  Place place_ = Place::line_start;
  bool in_row_ = false;           // a byte of this line was no white space
  std::uint64_t offset_ = 0;      // of the next byte
  std::uint64_t mark_ = 0;        // bytes of the byte order mark seen
  std::uint64_t line_ = 1;        // of the next byte
  std::uint64_t line_begin_ = 0;  // the offset of the line
  std::uint64_t row_line_ = 0;    // of the last row
  std::uint64_t quote_line_ = 0;  // of the last quote that opened
  std::vector<std::uint64_t> numbers_{0};
  std::vector<std::uint64_t> jumps_;
};

/// The places of a table's rows, counted from 0. The numbers are: how many rows there are, the offset where each
/// begins, and pairs of a row and its line for each row that does not begin in the line after the one where the row
/// before it begins. So a table without empty lines and breaks in fields takes 8 bytes a row.
class DIME_API CsvRows {
 public:
  /// `numbers`, as CsvScan gives them, must live as long as this; the table has `table_size` bytes. Throws DataError
  /// when they are no such numbers.
  CsvRows(std::span<const std::uint64_t> numbers, std::uint64_t table_size);

  /// A range of offsets; `end` is one past the last.
  struct Bytes {
    std::uint64_t begin;
    std::uint64_t end;
  };

  std::size_t size() const { return begins_.size(); }
  /// Where row i lies, with its line break and the empty lines after it. i < size(). Throws DataError when that is no
  /// part of the table, as where the numbers were damaged on the way.
  Bytes bytes(std::size_t i) const;
  /// The line, from 1, in which row i begins. i < size().
  std::uint64_t line(std::size_t i) const;

 private:
  std::span<const std::uint64_t> begins_;
  std::span<const std::uint64_t> jumps_;
  std::uint64_t table_size_;
};

/// The fields of the row that `bytes` begins with, without quotes; what follows its line break is not looked at.
/// Throws RowError, without saying where the row is, when a quoted field goes on after its closing quote or has none.
DIME_API std::vector<std::string> split_csv_row(std::string_view bytes, const CsvForm& form);

}  // namespace dime
