// SPDX-License-Identifier: Apache-2.0
#include "io/tsv_index.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/atomic_file.hpp"
#include "io/file_descriptor.hpp"
#include "io/file_state.hpp"

namespace dime::io {
namespace {

std::filesystem::path index_path(std::filesystem::path shard) { return shard.replace_extension(".lineidx"); }

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 40;
  return '"' + printable(text, longest) + '"';
}

// Calls take(line, number) for each line, and garbage(line, text) where a line is no number.
template <class Take, class Garbage>
void for_each_number(std::string_view text, Take take, Garbage garbage) {
  std::size_t line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view word = text.substr(0, end);
    if (word.ends_with('\r')) word.remove_suffix(1);
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || stop != word.data() + word.size()) return garbage(line, word);
    take(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

[[noreturn]] void refuse(const std::filesystem::path& shard, std::size_t line, const std::string& problem) {
  throw DataError(index_problem(shard, line, problem));
}

std::vector<std::uint64_t> parse_index(const std::filesystem::path& shard, std::string_view index, std::size_t bytes) {
  std::vector<std::uint64_t> offsets;
  offsets.reserve(static_cast<std::size_t>(std::count(index.begin(), index.end(), '\n')) + 1);
  const auto take = [&](std::size_t line, std::uint64_t offset) {
    const auto text = "offset " + std::to_string(offset);
    if (line == 1 && offset != 0) refuse(shard, line, "the first offset is " + std::to_string(offset) + ", not 0");
    if (line > 1 && offset <= offsets.back())
      refuse(shard, line, text + " does not come after " + std::to_string(offsets.back()));
    if (offset >= bytes)
      refuse(shard, line, text + " lies beyond the " + std::to_string(bytes) + " bytes of the shard");
    offsets.push_back(offset);
  };
  for_each_number(index, take, [&](std::size_t line, std::string_view word) {
    refuse(shard, line, quoted(word) + " is no byte offset");
  });
  return offsets;
}

// Calls take(at, bytes) for the blocks of a file from offset `from` on, until it returns false.
template <class Take>
void for_each_block(const FilePool& files, std::size_t file, std::uint64_t from, Take take) {
  constexpr std::uint64_t longest = 1 << 20;
  std::vector<std::uint8_t> block(std::min(longest, files.size(file) - from));
  for (std::uint64_t at = from; at < files.size(file); at += block.size()) {
    block.resize(std::min<std::uint64_t>(longest, files.size(file) - at));
    files.read(file, at, block);
    if (!take(at, std::string_view(reinterpret_cast<const char*>(block.data()), block.size()))) return;
  }
}

std::vector<std::uint64_t> find_lines(const FilePool& files, std::size_t shard) {
  std::vector<std::uint64_t> offsets{0};
  for_each_block(files, shard, 0, [&](std::uint64_t at, std::string_view bytes) {
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n', end + 1)) {
      offsets.push_back(at + end + 1);
    }
    return true;
  });
  if (offsets.back() == files.size(shard)) offsets.pop_back();
  return offsets;
}

// Cheap proof that index and shard are of one make: the last row starts after a line break and is the last line.
void check_last(const FilePool& files, std::size_t shard, const std::vector<std::uint64_t>& offsets) {
  const auto& path = files.path(shard);
  if (offsets.empty()) refuse(path, 1, "the index is empty");
  const std::uint64_t last = offsets.back();
  const std::string offset = "offset " + std::to_string(last);
  std::uint8_t before = '\n';
  if (last > 0) files.read(shard, last - 1, {&before, 1});
  if (before != '\n') refuse(path, offsets.size(), offset + " is not the start of a row");
  for_each_block(files, shard, last, [&](std::uint64_t at, std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    if (end != std::string_view::npos && at + end + 1 != files.size(shard)) {
      refuse(path, offsets.size(), "the index ends here, but the shard has more rows after " + offset);
    }
    return end == std::string_view::npos;
  });
}

std::string read_text(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

void keep_index(const std::filesystem::path& path, const std::vector<std::uint64_t>& offsets) {
  try {
    AtomicFile file(path);
    for (const std::uint64_t offset : offsets) file.write(std::to_string(offset) + '\n');
    file.commit();
  } catch (const IoError&) {
    // A folder that cannot be written costs one scan at each start, nothing else.
  }
}

}  // namespace

std::string index_problem(const std::filesystem::path& shard, std::size_t line, const std::string& problem) {
  return shown(shard) + " does not fit its index: " + shown(index_path(shard)) + ":" + std::to_string(line) + ": " +
         problem + "; delete the index to have it made anew";
}

SideIndex line_offsets(const FilePool& files, std::size_t shard) {
  const auto& path = files.path(shard);
  const auto index = index_path(path);
  std::vector<std::uint64_t> offsets;
  if (!is_there(index)) {
    offsets = find_lines(files, shard);
    keep_index(index, offsets);
  }
  const auto make = [&] {
    if (!offsets.empty()) return std::move(offsets);
    auto read = parse_index(path, read_text(index), files.size(shard));
    check_last(files, shard, read);
    return read;
  };
  // A short index is read as fast as its side file would be.
  constexpr std::uint64_t longest = 1 << 16;
  if (!is_there(index) || file_state(index).size <= longest) return SideIndex(make());
  return {path, "tsv 1", make, index};
}

std::vector<std::uint64_t> read_line_list(const std::filesystem::path& list, std::size_t rows) {
  std::vector<std::uint64_t> kept;
  const auto refuse_line = [&](std::size_t line, const std::string& problem) {
    throw DataError(shown(list) + ":" + std::to_string(line) + ": " + problem);
  };
  const auto take = [&](std::size_t line, std::uint64_t row) {
    if (row >= rows) {
      refuse_line(line,
                  "there is no row " + std::to_string(row) + ": the shard has rows 0 to " + std::to_string(rows - 1));
    }
    kept.push_back(row);
  };
  for_each_number(read_text(list), take, [&](std::size_t line, std::string_view word) {
    refuse_line(line, quoted(word) + " is no row number; one number from 0 a line is needed");
  });
  if (kept.empty()) throw DataError(shown(list) + " keeps no row; take its shard out of the list, or delete this file");
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace dime::io
