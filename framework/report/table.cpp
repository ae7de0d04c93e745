// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <dime/error.hpp>

namespace dime {
namespace {

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-+e %x") == std::string::npos;
}

std::string padded(const std::string& text, std::size_t size, bool right) {
  const std::string blanks(size - width(text), ' ');
  return right ? blanks + text : text + blanks;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != titles_.size()) {
    throw ArgumentError("a table of " + std::to_string(titles_.size()) + " columns got a row of " +
                        std::to_string(cells.size()) + " cells");
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::vector<char> right;
  for (std::size_t c = 0; c < titles_.size(); ++c) {
    std::size_t w = width(titles_[c]);
    for (const auto& row : rows_) w = std::max(w, width(row[c]));
    widths.push_back(w);
    right.push_back(!rows_.empty() &&
                    std::all_of(rows_.begin(), rows_.end(), [&](const auto& r) { return is_number(r[c]); }));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string all;
    for (std::size_t c = 0; c < cells.size(); ++c)
      all += (c > 0 ? "  " : "") + padded(cells[c], widths[c], right[c] != 0);
    return without_trailing_blanks(all) + "\n";
  };
  std::vector<std::string> rule;
  for (const auto w : widths) rule.emplace_back(w, '-');
  std::string all = line(titles_) + line(rule);
  for (const auto& row : rows_) all += line(row);
  return all;
}

std::string count_text(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::ptrdiff_t first = value < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string number_text(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string percent_text(double share) {
  const std::string text = number_text(100 * share, 2);
  return text == "-" ? text : text + " %";
}

}  // namespace dime
