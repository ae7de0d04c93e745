// SPDX-License-Identifier: Apache-2.0
#include "io/tsv_shard.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <dime/error.hpp>
#include <dime/text_row.hpp>

#include "io/file_descriptor.hpp"
#include "io/tsv_index.hpp"

namespace dime::io {
namespace {

// An index that is wrong may ask for any part of a shard.
constexpr std::uint64_t kLongestRow = std::uint64_t{1} << 30;

SideIndex offsets_of(const FilePool& files, std::size_t file) {
  if (files.size(file) == 0) throw DataError("the shard " + shown(files.path(file)) + " is empty");
  return line_offsets(files, file);
}

}  // namespace

TsvShard::TsvShard(FilePool& files, const std::filesystem::path& path, std::string name)
    : name_(std::move(name)), file_(files.add(path)), offsets_(offsets_of(files, file_)) {
  auto list = path;
  list.replace_extension(".linelist");
  if (is_there(list)) kept_ = read_line_list(list, offsets_.numbers().size());
}

TsvRow TsvShard::place(std::int64_t i) const {
  const auto number = static_cast<std::size_t>(i);
  return {{}, {}, name_, static_cast<std::int64_t>(kept_.empty() ? number : kept_[number]), {}};
}

// The index was checked at its ends only, and once; each row proves its own place. `bytes` begin with the one before
// the row, where it has one.
std::string_view TsvShard::line_in(const FilePool& files, std::size_t number, std::string_view bytes) const {
  const auto refuse = [&](const std::string& problem) {
    throw DataError(index_problem(files.path(file_), number + 1, problem));
  };
  const std::string begin = std::to_string(offsets_.numbers()[number]);
  if (number > 0 && bytes.front() != '\n') refuse("offset " + begin + " is not the start of a row");
  const std::string_view text = bytes.substr(number > 0 ? 1 : 0);
  const std::size_t end = text.find('\n');
  const bool last = number + 1 == offsets_.numbers().size();
  const bool fits = end == std::string_view::npos ? last : end + 1 == text.size();
  if (!fits) refuse("the row at offset " + begin + " does not end at the next offset");
  return text.substr(0, end);
}

std::string_view TsvShard::read_line(const FilePool& files, std::span<char> room, TsvRow& row) const {
  const auto offsets = offsets_.numbers();
  const auto number = static_cast<std::size_t>(row.row);
  const std::uint64_t limit = number + 1 == offsets.size() ? files.size(file_) : offsets[number + 1];
  const std::uint64_t begin = offsets[number] - (number > 0 ? 1 : 0);
  if (offsets[number] >= limit || limit > files.size(file_) || (number == 0) != (offsets[number] == 0)) {
    throw DataError(index_problem(files.path(file_), number + 1,
                                  "offset " + std::to_string(offsets[number]) + " is none of a row"));
  }
  if (limit - begin > kLongestRow) {
    throw RowError(where(row) + ": the row has " + std::to_string(limit - begin) + " bytes, more than the " +
                   std::to_string(kLongestRow) + " that a row may have");
  }
  const auto size = static_cast<std::size_t>(limit - begin);
  if (size > room.size()) {
    row.bytes = std::make_unique_for_overwrite<char[]>(size);
    room = {row.bytes.get(), size};
  }
  try {
    files.read(file_, begin, {reinterpret_cast<std::uint8_t*>(room.data()), size});
  } catch (const IoError& e) {
    throw RowError(where(row) + ": " + e.what());
  }
  return line_in(files, number, {room.data(), size});
}

TsvRow TsvShard::row(const FilePool& files, std::int64_t i, std::span<char> room) const {
  TsvRow row = place(i);
  const std::string_view text = read_line(files, room, row);
  const std::size_t tab = text.find('\t');
  if (tab == std::string_view::npos) throw RowError(where(row) + ": the row has no tab between key and payload");
  row.key = strip(text.substr(0, tab));
  const std::string_view rest = text.substr(tab + 1);
  row.payload = strip(rest.substr(0, rest.find('\t')));
  return row;
}

void TsvShard::will_need(const FilePool& files, std::int64_t i, std::int64_t count) const {
  const auto offsets = offsets_.numbers();
  const auto fetch = [&](std::uint64_t first, std::uint64_t last) {
    const std::uint64_t begin = offsets[first] - (first > 0 ? 1 : 0);
    const std::uint64_t end = last + 1 == offsets.size() ? files.size(file_) : offsets[last + 1];
    if (begin < end && end - begin <= kLongestRow) files.will_need(file_, begin, end - begin);
  };
  const auto first = static_cast<std::size_t>(i), last = static_cast<std::size_t>(i + count - 1);
  if (kept_.empty()) return fetch(first, last);
  for (std::size_t row = first; row <= last; ++row) fetch(kept_[row], kept_[row]);
}

}  // namespace dime::io
