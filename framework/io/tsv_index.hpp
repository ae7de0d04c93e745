// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <dime/file_pool.hpp>
#include <dime/side_index.hpp>

namespace dime::io {

/// The byte offset of each row of the shard at `path`, which is file `shard` of `files`: from `STEM.lineidx`, or made
/// and, where the folder can be written, kept there. Checked against the shard: first, last, order and end. A long
/// index is kept in a side file. Throws DataError, IoError.
SideIndex line_offsets(const FilePool& files, std::size_t shard);

/// The row numbers in the file `list`, ascending; each is below `rows`. Throws DataError.
std::vector<std::uint64_t> read_line_list(const std::filesystem::path& list, std::size_t rows);

/// "SHARD does not fit its index: INDEX:LINE: PROBLEM; delete the index to have it made anew". `line` counts from 1.
std::string index_problem(const std::filesystem::path& shard, std::size_t line, const std::string& problem);

}  // namespace dime::io
