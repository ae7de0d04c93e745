// SPDX-License-Identifier: Apache-2.0
#include "data/source.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dime {
namespace {

constexpr std::int64_t kFirstRows = 8;

}  // namespace

RowSpan::RowSpan(std::shared_ptr<const Dataset> whole, std::int64_t from, std::int64_t to)
    : whole_(std::move(whole)), from_(from), to_(to < 0 ? whole_->size() : to) {
  if (from_ < 0 || from_ >= to_ || to_ > whole_->size()) {
    throw DataError("rows " + std::to_string(from_) + " to " + std::to_string(to_) + " are not a part of a source of " +
                    std::to_string(whole_->size()) + " rows");
  }
}

JoinedRows::JoinedRows(const std::string& name, std::shared_ptr<const Dataset> content,
                       std::shared_ptr<const Dataset> vectors, RowParts parts)
    : content_(std::move(content)), vectors_(std::move(vectors)), parts_(parts) {
  if (content_ != nullptr && vectors_ != nullptr && content_->size() != vectors_->size()) {
    throw DataError(name + ": its features have " + std::to_string(vectors_->size()) + " rows, its source has " +
                    std::to_string(content_->size()) +
                    "; they must correspond row by row: extract the features again, or remove a .lineidx that "
                    "does not fit its shard");
  }
  size_ = content_ != nullptr ? content_->size() : vectors_->size();
  if (size_ == 0) throw DataError(name + ": its source is empty");
  if (content_ != nullptr) info_ = content_->info();
  if (vectors_ != nullptr) info_.vector_width = vectors_->info().vector_width;
  if (content_ != nullptr && vectors_ != nullptr && parts_.content && parts_.vector) keys_differ_ = !any_key_agrees();
}

bool JoinedRows::any_key_agrees() const {
  bool comparable = false;
  for (std::int64_t i = 0; i < std::min(size_, kFirstRows); ++i) {
    try {
      const std::string key = content_->get(i).key, stored = vectors_->get(i).key;
      if (key == stored) return true;
      comparable = comparable || (!key.empty() && !stored.empty());
    } catch (const RowError&) {
      continue;  // counted when the row's turn comes
    }
  }
  return !comparable;
}

Row JoinedRows::get(std::int64_t i) const {
  Row row;
  if (content_ != nullptr && parts_.content) row = content_->get(i);
  if (vectors_ == nullptr || !parts_.vector) return row;
  Row stored = vectors_->get(i);
  if (content_ != nullptr && parts_.content && !keys_differ_ && !row.key.empty() && !stored.key.empty() &&
      row.key != stored.key) {
    throw RowError("row " + std::to_string(i) + ": the source's key is \"" + row.key + "\", the features' is \"" +
                   stored.key + "\": extract the features again");
  }
  for (const float x : stored.vector) {
    if (!std::isfinite(x)) throw RowError("row " + std::to_string(i) + " " + stored.key + ": its vector is not finite");
  }
  row.vector = std::move(stored.vector);
  if (row.key.empty()) row.key = std::move(stored.key);
  return row;
}

}  // namespace dime
