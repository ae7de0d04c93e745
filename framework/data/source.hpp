// SPDX-License-Identifier: Apache-2.0
// The rows of a stream: a source, a part of it, and the teacher's vectors that belong to it. Torch-free.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dime/dataset.hpp>

namespace dime {

/// Which parts of a row are wanted; the rest is not read.
struct RowParts {
  bool content = true;  ///< image, text, label
  bool vector = true;
};

/// "WHERE KEY" for a message on row i of `source`, on one line: where the source says it lies, and its key, unless the
/// place ends with it. Throws nothing of the source's.
std::string row_name(const Dataset& source, std::int64_t i, std::string_view key);

/// Rows from <= i < to of another source.
class RowSpan final : public Dataset {
 public:
  /// `name` is the stream's, for messages. Throws DataError when the part is empty or past the end. `to` < 0 is the
  /// end.
  RowSpan(const std::string& name, std::shared_ptr<const Dataset> whole, std::int64_t from, std::int64_t to);
  std::int64_t size() const override { return to_ - from_; }
  Row get(std::int64_t i) const override { return whole_->get(from_ + i); }
  DatasetInfo info() const override { return whole_->info(); }
  std::string where(std::int64_t i) const override { return whole_->where(from_ + i); }
  void will_need(std::int64_t first, std::int64_t count) const override { whole_->will_need(from_ + first, count); }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::int64_t from_;
  std::int64_t to_;
};

/// A source and the vectors that belong to it, row by row. Either may be absent. Where the first rows of both sides
/// have keys and some agree, every row's must: it shows a shard that was left out or sorted. Where none agrees, and the
/// source has none of the features' keys at another row, the keys are of two kinds, and only the order counts.
class JoinedRows final : public Dataset {
 public:
  /// `name` is the stream's, for messages. Throws DataError when the two sizes differ, and when the first rows show
  /// that the features belong to other rows.
  JoinedRows(const std::string& name, std::shared_ptr<const Dataset> content, std::shared_ptr<const Dataset> vectors,
             RowParts parts);
  std::int64_t size() const override { return size_; }
  /// Throws RowError when a row is broken, its vector cannot be compared (see vector_problem), or both sides have keys
  /// and the keys disagree.
  Row get(std::int64_t i) const override;
  DatasetInfo info() const override { return info_; }
  std::string where(std::int64_t i) const override { return named_side().where(i); }
  void will_need(std::int64_t first, std::int64_t count) const override;
  /// The two sides have keys of two kinds, so that nothing but their order says what belongs together.
  bool keys_differ() const { return keys_differ_; }

 private:
  bool reads_both() const { return content_ != nullptr && vectors_ != nullptr && parts_.content && parts_.vector; }
  /// The side whose keys the rows have.
  const Dataset& named_side() const { return content_ != nullptr && parts_.content ? *content_ : *vectors_; }
  void compare_keys(const std::string& name);

  std::shared_ptr<const Dataset> content_;
  std::shared_ptr<const Dataset> vectors_;
  RowParts parts_;
  std::int64_t size_ = 0;
  bool keys_differ_ = false;
  DatasetInfo info_;
};

}  // namespace dime
