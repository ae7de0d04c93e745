// SPDX-License-Identifier: Apache-2.0
#include "data/source.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>

namespace dime {
namespace {

constexpr std::int64_t kFirstRows = 64;
constexpr std::size_t kLongestPlace = 4096;

std::string place_of(const Dataset& source, std::int64_t i) {
  try {
    return printable(source.where(i), kLongestPlace);
  } catch (...) {
    // The message is about another error; this one must not take its place.
    return "row " + std::to_string(i);
  }
}

/// "row 3" and "a.tsv:3" end with the key "3", "row 13" does not.
bool ends_with_key(const std::string& place, const std::string& key) {
  if (!place.ends_with(key)) return false;
  return place.size() == key.size() ||
         std::string_view(" :/").find(place[place.size() - key.size() - 1]) != std::string_view::npos;
}

/// The key of row i; "" where the row is broken, which is counted when its turn comes.
std::string key_at(const Dataset& rows, std::int64_t i) {
  try {
    return rows.get(i).key;
  } catch (const RowError&) {
    return "";
  }
}

/// Keys that count the rows from 0 or from 1: they name a position, not what lies there.
bool are_row_numbers(const std::vector<std::string>& keys) {
  const auto count_from = [&](std::size_t first) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!keys[i].empty() && keys[i] != std::to_string(i + first)) return false;
    }
    return true;
  };
  return count_from(0) || count_from(1);
}

void expect_no_shift(const std::string& name, const std::vector<std::string>& content,
                     const std::vector<std::string>& vectors) {
  if (are_row_numbers(content) || are_row_numbers(vectors)) return;
  std::map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < content.size(); ++i) rows.emplace(content[i], i);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto found = vectors[i].empty() ? rows.end() : rows.find(vectors[i]);
    if (found == rows.end()) continue;
    throw DataError(name + ": features do not belong to the source row by row: their row " + std::to_string(i) +
                    " has the key \"" + printable(vectors[i]) + "\", which is row " + std::to_string(found->second) +
                    " of the source; extract the features again");
  }
}

}  // namespace

std::string row_name(const Dataset& source, std::int64_t i, std::string_view key) {
  const std::string place = place_of(source, i), shown = printable(key);
  return shown.empty() || ends_with_key(place, shown) ? place : place + " " + shown;
}

RowSpan::RowSpan(const std::string& name, std::shared_ptr<const Dataset> whole, std::int64_t from, std::int64_t to)
    : whole_(std::move(whole)), from_(from), to_(to < 0 ? whole_->size() : to) {
  if (from_ < 0 || from_ >= to_ || to_ > whole_->size()) {
    throw DataError(name + ": rows " + std::to_string(from_) + " to " + std::to_string(to_) +
                    " are not a part of a source of " + std::to_string(whole_->size()) + " rows");
  }
}

JoinedRows::JoinedRows(const std::string& name, std::shared_ptr<const Dataset> content,
                       std::shared_ptr<const Dataset> vectors, RowParts parts)
    : content_(std::move(content)), vectors_(std::move(vectors)), parts_(parts) {
  size_ = content_ != nullptr ? content_->size() : vectors_->size();
  if (const std::int64_t stored = vectors_ != nullptr ? vectors_->size() : size_; stored != size_) {
    const bool part = dynamic_cast<const RowSpan*>(content_.get()) != nullptr;
    throw DataError(name + ": its features have " + std::to_string(stored) + " rows, its source has " +
                    std::to_string(size_) + (part ? " with its `rows`" : "") +
                    "; they must correspond row by row: extract the features again, or remove a .lineidx that does not "
                    "fit its shard" +
                    (part ? ", or take `rows` out (features then hold a row for each row of that part)" : ""));
  }
  if (size_ <= 0) throw DataError(name + ": its source is empty");
  if (content_ != nullptr) info_ = content_->info();
  if (vectors_ != nullptr) info_.vector_width = vectors_->info().vector_width;
  if (reads_both()) compare_keys(name);
}

void JoinedRows::compare_keys(const std::string& name) {
  std::vector<std::string> content, vectors;
  bool comparable = false;
  for (std::int64_t i = 0; i < std::min(size_, kFirstRows); ++i) {
    content.push_back(key_at(*content_, i));
    vectors.push_back(key_at(*vectors_, i));
    if (content.back().empty() || vectors.back().empty()) continue;
    if (content.back() == vectors.back()) return;
    comparable = true;
  }
  expect_no_shift(name, content, vectors);
  keys_differ_ = comparable;
}

Row JoinedRows::get(std::int64_t i) const {
  Row row;
  if (content_ != nullptr && parts_.content) row = content_->get(i);
  if (vectors_ == nullptr || !parts_.vector) return row;
  Row stored = vectors_->get(i);
  if (reads_both() && !keys_differ_ && !row.key.empty() && !stored.key.empty() && row.key != stored.key) {
    throw RowError(row_name(*content_, i, row.key) + ": its features (" + row_name(*vectors_, i, stored.key) +
                   ") have another key: extract the features again");
  }
  if (const auto problem = vector_problem(stored.vector); !problem.empty()) {
    throw RowError(row_name(*vectors_, i, stored.key) + ": " + problem);
  }
  row.vector = std::move(stored.vector);
  if (row.key.empty()) row.key = std::move(stored.key);
  return row;
}

void JoinedRows::will_need(std::int64_t first, std::int64_t count) const {
  if (content_ != nullptr && parts_.content) content_->will_need(first, count);
  if (vectors_ != nullptr && parts_.vector) vectors_->will_need(first, count);
}

}  // namespace dime
