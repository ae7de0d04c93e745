// SPDX-License-Identifier: Apache-2.0
// Plain tables for a terminal: columns in line, words to the left, numbers to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dime {

class Table {
 public:
  /// The titles of the columns.
  explicit Table(std::vector<std::string> titles);

  /// Adds one row. Throws ArgumentError when it has another number of cells than there are titles.
  void add(std::vector<std::string> cells);
  /// The titles, a rule, and the rows, each line ended; a column of which every cell is a number (or "-") stands to the
  /// right. Widths count characters of UTF-8, not bytes.
  std::string text() const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

/// "151,277,313".
std::string count_text(std::int64_t value);
/// `value` with that many digits after the point; "-" when it is not finite.
std::string number_text(double value, int digits);
/// 0.6321 as "63.21 %"; "-" when it is not finite.
std::string percent_text(double share);

}  // namespace dime
