// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dime/file_pool.hpp>
#include <dime/side_index.hpp>
#include <dime/tsv.hpp>

namespace dime::io {

/// One TSV shard, its index and, where it has one, its line list. Immutable.
class TsvShard {
 public:
  /// Adds the file at `path` to `files`, which every other function is to be given. `name` is what messages call it.
  /// Throws IoError when it cannot be opened, DataError when it is empty or its index is wrong.
  TsvShard(FilePool& files, const std::filesystem::path& path, std::string name);

  std::int64_t size() const {
    return static_cast<std::int64_t>(kept_.empty() ? offsets_.numbers().size() : kept_.size());
  }
  /// Row i of those kept; its bytes lie in `room` where they fit. Throws RowError without a tab and when it cannot be
  /// read, DataError where the index does not fit.
  TsvRow row(const FilePool& files, std::int64_t i, std::span<char> room) const;
  /// Row i of those kept, without key and payload: nothing of it is read.
  TsvRow place(std::int64_t i) const;
  /// Has rows i to i + count - 1 of those kept fetched. Throws IoError.
  void will_need(const FilePool& files, std::int64_t i, std::int64_t count) const;

 private:
  std::string_view read_line(const FilePool& files, std::span<char> room, TsvRow& row) const;
  std::string_view line_in(const FilePool& files, std::size_t number, std::string_view bytes) const;

  std::string name_;
  std::size_t file_;
  SideIndex offsets_;
  std::vector<std::uint64_t> kept_;  // empty: every row
};

}  // namespace dime::io
