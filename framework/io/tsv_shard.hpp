// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <dime/tsv.hpp>

#include "io/mapped_file.hpp"

namespace dime::io {

/// One TSV shard, its index and, where it has one, its line list. Immutable.
class TsvShard {
 public:
  /// `name` is what messages call it. Throws IoError when it cannot be opened, DataError when it is empty or its index
  /// is wrong.
  TsvShard(const std::filesystem::path& path, std::string name);

  std::int64_t size() const { return static_cast<std::int64_t>(kept_.empty() ? offsets_.size() : kept_.size()); }
  /// Row i of those kept. Throws RowError without a tab, DataError where the index does not fit.
  TsvRow row(std::int64_t i) const;
  /// Row i of those kept, without key and payload: nothing of it is read.
  TsvRow place(std::int64_t i) const;

 private:
  std::string_view line(std::size_t number) const;

  std::filesystem::path path_;
  std::string name_;
  MappedFile file_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint64_t> kept_;  // empty: every row
};

}  // namespace dime::io
