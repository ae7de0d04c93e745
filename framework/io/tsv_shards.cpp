// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/shard_list.hpp>
#include <dime/tsv.hpp>

#include "io/file_descriptor.hpp"
#include "io/tsv_shard.hpp"

namespace dime {
namespace {

using Shards = std::vector<std::unique_ptr<const io::TsvShard>>;

std::unique_ptr<const io::TsvShard> open_listed(FilePool& files, const ListedShard& shard) {
  try {
    return std::make_unique<const io::TsvShard>(files, shard.path, shard.name);
  } catch (const IoError& e) {
    throw DataError(shard.place + ": " + e.what());
  } catch (const DataError& e) {
    throw DataError(shard.place + ": " + e.what());
  }
}

Shards open_list(FilePool& files, const std::filesystem::path& list, const std::filesystem::path& root) {
  Shards shards;
  for (const auto& shard : read_shard_list(list, root)) shards.push_back(open_listed(files, shard));
  if (shards.empty()) throw DataError(io::shown(list) + " lists no shard; put one .tsv file on each line");
  return shards;
}

Shards open_shards(FilePool& files, const std::filesystem::path& path, const std::filesystem::path& root) {
  if (path.extension() == ".list") return open_list(files, path, root);
  if (path.extension() != ".tsv") throw DataError(io::shown(path) + " is neither a .list of shards nor a .tsv shard");
  Shards shards;
  shards.push_back(std::make_unique<const io::TsvShard>(files, path, path.filename().string()));
  return shards;
}

}  // namespace

TsvShards::TsvShards(const std::filesystem::path& path, const std::filesystem::path& root)
    : shards_(open_shards(files_, path, root)) {
  for (const auto& shard : shards_) first_rows_.push_back(first_rows_.back() + shard->size());
}

TsvShards::~TsvShards() = default;
TsvShards::TsvShards(TsvShards&&) noexcept = default;
TsvShards& TsvShards::operator=(TsvShards&&) noexcept = default;

std::size_t TsvShards::shard_of(std::int64_t i) const {
  if (i < 0 || i >= size()) {
    throw ArgumentError("there is no row " + std::to_string(i) + ": the shards have rows 0 to " +
                        std::to_string(size() - 1));
  }
  return static_cast<std::size_t>(std::upper_bound(first_rows_.begin(), first_rows_.end(), i) - first_rows_.begin()) -
         1;
}

TsvRow TsvShards::row(std::int64_t i, std::span<char> room) const {
  const std::size_t s = shard_of(i);
  return shards_[s]->row(files_, i - first_rows_[s], room);
}

std::string TsvShards::where(std::int64_t i) const {
  try {
    return dime::where(row(i));
  } catch (const DataError&) {
    const std::size_t s = shard_of(i);
    return dime::where(shards_[s]->place(i - first_rows_[s]));
  }
}

void TsvShards::will_need(std::int64_t first, std::int64_t count) const {
  while (count > 0) {
    const std::size_t s = shard_of(first);
    const std::int64_t here = std::min(count, first_rows_[s + 1] - first);
    shards_[s]->will_need(files_, first - first_rows_[s], here);
    first += here;
    count -= here;
  }
}

std::string where(const TsvRow& row) {
  std::string text = io::shown(row.shard) + ":" + std::to_string(row.row);
  if (!row.key.empty()) text.append(" ").append(printable(row.key));
  return text;
}

}  // namespace dime
