// SPDX-License-Identifier: Apache-2.0
#include <system_error>
#include <utility>

#include <dime/base64.hpp>
#include <dime/error.hpp>
#include <dime/printable.hpp>
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
std::string column_problem(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.find_first_of("\t\n") != std::string_view::npos)
    return "holds a tab or a line break, which a TSV row cannot";
  if (strip(text).size() != text.size()) return "has white space around it, which a reader strips";
  return "";
}

void check_row(std::string_view key, std::string_view payload, std::int64_t row) {
  const std::string place = "row " + std::to_string(row) + ": the ";
  if (const auto problem = column_problem(key); !problem.empty()) {
    throw ArgumentError(place + "key " +
                        (key.empty() ? problem : '"' + printable(key) + "\" " + problem + ": rename it"));
  }
  if (const auto problem = column_problem(payload); !problem.empty()) throw ArgumentError(place + "payload " + problem);
}

}  // namespace

TsvWriter::TsvWriter(fs::path stem, TsvWriterOptions options) : stem_(std::move(stem)), options_(options) {
  if (options_.rows_per_shard < 1) {
    throw ArgumentError("rows_per_shard must be at least 1, got " + std::to_string(options_.rows_per_shard));
  }
  if (stem_.filename().empty()) {
    throw ArgumentError("the stem \"" + io::shown(stem_) + "\" names no file: it needs a name after the last \"/\"");
  }
  make_folder(stem_);
  if (options_.overwrite) return;
  for (const auto& path : {with(stem_, ".list"), numbered(0, ".tsv")}) {
    if (io::is_there(path))
      throw IoError("cannot write " + io::shown(path) + ": it exists; remove it, or choose another stem");
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
  if (closed_)
    throw ArgumentError("row " + std::to_string(rows_) + ": the writer of " + io::shown(stem_) + " is closed");
  check_row(key, payload, rows_);
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
  for (std::size_t n = 0; io::is_there(numbered(n, ".tsv")) || n < shards_.size(); ++n) {
    for (const char* extension : {".lineidx", ".linelist", ".tsv.dimeidx", ".tsv"})
      fs::remove(numbered(n, extension), ignored);
  }
}

void TsvWriter::close() {
  if (closed_) return;
  if (shards_.empty()) throw ArgumentError("nothing to write to " + io::shown(stem_) + ".list: no row was added");
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
