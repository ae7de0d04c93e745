// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dime::io {

/// The byte offset of each row of the shard `shard`, whose bytes are `bytes`: from `STEM.lineidx`, or made and, where
/// the folder can be written, kept there. Checked against the shard: first, last, order and end. Throws DataError.
std::vector<std::uint64_t> line_offsets(const std::filesystem::path& shard, std::string_view bytes);

/// The offsets of the lines of `bytes`.
std::vector<std::uint64_t> find_lines(std::string_view bytes);

/// The row numbers in the file `list`, ascending; each is below `rows`. Throws DataError.
std::vector<std::uint64_t> read_line_list(const std::filesystem::path& list, std::size_t rows);

/// "SHARD does not fit its index: INDEX:LINE: PROBLEM; delete the index to have it made anew". `line` counts from 1.
std::string index_problem(const std::filesystem::path& shard, std::size_t line, const std::string& problem);

}  // namespace dime::io
