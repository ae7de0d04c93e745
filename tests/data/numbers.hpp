// SPDX-License-Identifier: Apache-2.0
// Rows for tests of streams.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dime/dataset.hpp>

#include "data/batch_maker.hpp"

namespace dime::test {

/// Rows of two numbers; `broken` rows do not read.
class Numbers final : public Dataset {
 public:
  Numbers(std::int64_t n, std::set<std::int64_t> broken = {}, std::string prefix = "row")
      : n_(n), broken_(std::move(broken)), prefix_(std::move(prefix)) {}
  std::int64_t size() const override { return n_; }
  Row get(std::int64_t i) const override {
    if (broken_.count(i) != 0) throw RowError("row " + std::to_string(i) + " is broken");
    Row row;
    row.key = prefix_ + std::to_string(i);
    row.vector = {static_cast<float>(i), 1.0F};
    row.image = {static_cast<std::uint8_t>(i), 0, 0, static_cast<std::uint8_t>(i)};
    row.pixels = PixelShape{2, 2, 1};
    row.label = i % 10;
    return row;
  }
  DatasetInfo info() const override { return {true, false, true, 2, {}}; }

 private:
  std::int64_t n_;
  std::set<std::int64_t> broken_;
  std::string prefix_;
};

/// All that `Numbers` have, on images of 2 x 2.
inline BatchContent numbers_content() {
  BatchContent content;
  content.stream = "images";
  content.pixels = content.vectors = content.labels = true;
  content.image_size = 2;
  content.vector_width = 2;
  return content;
}

/// Augmentation: half of the images are mirrored.
inline TransformList flips() {
  Component flip;
  flip.type = "horizontal_flip";
  return TransformList({flip});
}

/// `Numbers` that remember which rows were asked for, and of which they were told before.
class WatchedNumbers final : public Dataset {
 public:
  explicit WatchedNumbers(std::int64_t n) : rows_(n) {}
  std::int64_t size() const override { return rows_.size(); }
  DatasetInfo info() const override { return rows_.info(); }
  Row get(std::int64_t i) const override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(i);
    return rows_.get(i);
  }
  void will_need(std::int64_t first, std::int64_t count) const override {
    const std::lock_guard lock(mutex_);
    for (std::int64_t i = first; i < first + count; ++i) told_.push_back(i);
    if (fails) throw IoError("no disk");
  }
  /// The rows that will_need told of so far, in that order.
  std::vector<std::int64_t> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  bool fails = false;

  /// The rows that were asked for so far, sorted.
  std::vector<std::int64_t> asked() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> all = asked_;
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  Numbers rows_;
  mutable std::mutex mutex_;
  mutable std::vector<std::int64_t> asked_;
  mutable std::vector<std::int64_t> told_;
};

}  // namespace dime::test
