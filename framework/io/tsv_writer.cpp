// SPDX-License-Identifier: Apache-2.0
#include <system_error>
#include <utility>

#include <dime/base64.hpp>
#include <dime/error.hpp>
#include <dime/text_row.hpp>
#include <dime/tsv.hpp>

#include "io/tsv_shard.hpp"
#include "io/tsv_shard_writer.hpp"

namespace dime {
namespace {

namespace fs = std::filesystem;

fs::path with(const fs::path& stem, const std::string& ending) {
  fs::path path = stem;
  path += ending;
  return path;
}

void make_folder(const fs::path& stem) {
  if (!stem.has_parent_path()) return;
  std::error_code error;
  fs::create_directories(stem.parent_path(), error);
  if (error) throw io::io_error("make the folder", stem.parent_path(), error.value());
}

// What a reader would not give back as it was written.
void check_column(const char* what, std::string_view text, std::int64_t row) {
  const auto refuse = [&](const std::string& problem) {
    throw ArgumentError("row " + std::to_string(row) + ": the " + what + " " + problem);
  };
  if (text.empty()) refuse("is empty");
  if (text.find_first_of("\t\n") != std::string_view::npos)
    refuse("holds a tab or a line break, which a TSV row cannot");
  if (strip(text).size() != text.size()) refuse("has white space around it, which a reader strips");
}

}  // namespace

TsvWriter::TsvWriter(fs::path stem, TsvWriterOptions options) : stem_(std::move(stem)), options_(options) {
  if (options_.rows_per_shard < 1) {
    throw ArgumentError("rows_per_shard must be at least 1, got " + std::to_string(options_.rows_per_shard));
  }
  make_folder(stem_);
  if (options_.overwrite) return;
  for (const auto& path : {with(stem_, ".list"), numbered(0, ".tsv")}) {
    if (fs::exists(path))
      throw IoError("cannot write " + path.string() + ": it exists; remove it, or choose another stem");
  }
}

TsvWriter::~TsvWriter() = default;

fs::path TsvWriter::numbered(std::size_t shard, const char* extension) const {
  return with(stem_, std::string("-").append(std::to_string(shard)).append(extension));
}

io::TsvShardWriter& TsvWriter::shard() {
  if (shards_.empty() || shards_.back()->rows() == options_.rows_per_shard) {
    if (!shards_.empty()) shards_.back()->finish();
    const std::size_t n = shards_.size();
    shards_.push_back(std::make_unique<io::TsvShardWriter>(numbered(n, ".tsv"), numbered(n, ".lineidx")));
  }
  return *shards_.back();
}

void TsvWriter::add(std::string_view key, std::string_view payload) {
  if (closed_) throw ArgumentError("row " + std::to_string(rows_) + ": the writer of " + stem_.string() + " is closed");
  check_column("key", key, rows_);
  check_column("payload", payload, rows_);
  shard().add(key, payload);
  ++rows_;
}

void TsvWriter::add_base64(std::string_view key, std::span<const std::uint8_t> bytes) {
  encoded_.clear();
  base64_encode(bytes, encoded_);
  add(key, encoded_);
}

// An old list, index or line list must never stand beside a new shard, whenever the process dies.
void TsvWriter::remove_old() {
  std::error_code ignored;
  fs::remove(with(stem_, ".list"), ignored);
  for (std::size_t n = 0; fs::exists(numbered(n, ".tsv")) || n < shards_.size(); ++n) {
    for (const char* extension : {".lineidx", ".linelist", ".tsv"}) fs::remove(numbered(n, extension), ignored);
  }
}

void TsvWriter::close() {
  if (closed_) return;
  if (shards_.empty()) throw ArgumentError("nothing to write to " + stem_.string() + ".list: no row was added");
  shards_.back()->finish();
  if (options_.overwrite) remove_old();
  io::AtomicFile list(with(stem_, ".list"));
  for (std::size_t n = 0; n < shards_.size(); ++n) {
    shards_[n]->commit();
    list.write(numbered(n, ".tsv").filename().string() + '\n');
  }
  list.commit();
  closed_ = true;
}

}  // namespace dime
