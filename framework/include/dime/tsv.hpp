// SPDX-License-Identifier: Apache-2.0
// TSV shards with line indexes: `key \t payload \n`, read by row number, and written. Torch-free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dime/api.hpp>
#include <dime/file_pool.hpp>

namespace dime {

namespace io {
class TsvShard;
class TsvShardWriter;
}  // namespace io

/// One row. `key` and `payload` lie in `bytes` (or in the room given to TsvShards::row), and live as long; `shard`
/// lives as long as the TsvShards it comes from.
struct TsvRow {
  std::string_view key;             ///< first column, white space stripped
  std::string_view payload;         ///< second column, white space stripped; later columns are ignored
  std::string_view shard;           ///< the shard as the list names it
  std::int64_t row = 0;             ///< the row's number in its shard, from 0, whatever a .linelist keeps
  std::unique_ptr<char[]> bytes{};  ///< what was read of the shard, where it owns it
};

/// The rows of a list of shards, one shard after another in the order listed.
///
/// `STEM.tsv` may have beside it `STEM.lineidx`, the byte offset of each row, one a line (made, once, when it is
/// absent; held in memory only where the folder cannot be written), and `STEM.linelist`, the row numbers to keep, used
/// in ascending order. A long index is parsed once and then mapped from `STEM.tsv.dimeidx` (see SideIndex), so that it
/// takes no memory; a row of a .linelist takes 8 bytes. Shards are read by position through a bounded number of
/// descriptors (see FilePool). Every function is safe from many threads.
class DIME_API TsvShards {
 public:
  /// Opens a `.list` file (one shard a line, blank lines ignored) or a single `.tsv`. Paths in a list join `root`, or
  /// the list's own folder when `root` is empty. Throws IoError when `path` cannot be read, DataError for a shard that
  /// is missing or empty (with the line of the list), and for an index or line list that does not fit its shard.
  explicit TsvShards(const std::filesystem::path& path, const std::filesystem::path& root = {});
  ~TsvShards();
  TsvShards(TsvShards&&) noexcept;
  TsvShards& operator=(TsvShards&&) noexcept;

  /// The number of rows, at least 1.
  std::int64_t size() const { return first_rows_.back(); }
  /// Row i; its bytes lie in `room`, which is then to outlive it, where they fit: short rows need no memory of their
  /// own. Throws ArgumentError when i is out of range, RowError when the row has no tab, is longer than 1 GiB, or its
  /// shard cannot be read or has changed since it was opened, DataError when the index is wrong here.
  TsvRow row(std::int64_t i, std::span<char> room = {}) const;
  /// "shard.tsv:ROW key" for messages, on one line whatever the key holds; "shard.tsv:ROW" when the row has no key or
  /// is broken. Throws ArgumentError when i is out of range.
  std::string where(std::int64_t i) const;
  /// Has the system fetch rows first to first + count - 1, which exist (see FilePool::will_need). Throws IoError.
  void will_need(std::int64_t first, std::int64_t count) const;

 private:
  std::size_t shard_of(std::int64_t i) const;

  FilePool files_;
  std::vector<std::unique_ptr<const io::TsvShard>> shards_;
  std::vector<std::int64_t> first_rows_{0};  // one more than shards: the last is the number of rows
};

/// "shard.tsv:ROW key", as TsvShards::where.
DIME_API std::string where(const TsvRow& row);

/// How a TsvWriter cuts and names what it writes.
struct TsvWriterOptions {
  std::int64_t rows_per_shard = 100000;  ///< at least 1
  bool overwrite = false;                ///< replace shards of the same stem instead of refusing
};

/// Writes STEM-0.tsv, STEM-1.tsv, …, their .lineidx, and STEM.list. Everything is written aside and renamed by close(),
/// the list last: a run that is killed, or a writer destroyed before close(), leaves nothing under the final names. One
/// thread.
class DIME_API TsvWriter {
 public:
  /// Makes the stem's folder. Throws ArgumentError for a wrong option and a stem without a name (empty, or ending in
  /// "/"), IoError when it exists and `overwrite` is false,
  /// or the folder cannot be written.
  explicit TsvWriter(std::filesystem::path stem, TsvWriterOptions options = {});
  ~TsvWriter();
  TsvWriter(const TsvWriter&) = delete;
  TsvWriter& operator=(const TsvWriter&) = delete;

  /// Adds a row with a plain payload. Throws ArgumentError for a tab or a line break in key or payload, for white space
  /// around them (a reader would strip it) and for an empty key; IoError when the disk refuses.
  void add(std::string_view key, std::string_view payload);
  /// Adds a row whose payload is the base64 of `bytes`. Throws as add().
  void add_base64(std::string_view key, std::span<const std::uint8_t> bytes);
  /// Finishes: renames the shards and writes the list. Throws IoError; ArgumentError when there is no row.
  void close();
  /// The rows added so far.
  std::int64_t size() const { return rows_; }

 private:
  io::TsvShardWriter& shard();
  void remove_old();
  std::filesystem::path numbered(std::size_t shard, const char* extension) const;

  std::filesystem::path stem_;
  TsvWriterOptions options_;
  std::vector<std::unique_ptr<io::TsvShardWriter>> shards_;
  std::int64_t rows_ = 0;
  std::string encoded_;
  bool closed_ = false;
};

}  // namespace dime
