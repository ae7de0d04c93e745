// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "io/atomic_file.hpp"

namespace dime::io {

/// One shard being written, with its index.
class TsvShardWriter {
 public:
  TsvShardWriter(const std::filesystem::path& shard, const std::filesystem::path& index)
      : shard_(shard), index_(index) {}

  void add(std::string_view key, std::string_view payload) {
    index_.write(std::to_string(shard_.size()) + '\n');
    shard_.write(key);
    shard_.write("\t");
    shard_.write(payload);
    shard_.write("\n");
    ++rows_;
  }
  std::int64_t rows() const { return rows_; }
  /// On the disk, but still under names of its own.
  void finish() {
    shard_.finish();
    index_.finish();
  }
  void commit() {
    shard_.commit();
    index_.commit();
  }

 private:
  AtomicFile shard_;
  AtomicFile index_;
  std::int64_t rows_ = 0;
};

}  // namespace dime::io
