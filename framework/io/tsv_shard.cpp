// SPDX-License-Identifier: Apache-2.0
#include "io/tsv_shard.hpp"

#include <utility>

#include <dime/error.hpp>
#include <dime/text_row.hpp>

#include "io/file_descriptor.hpp"
#include "io/tsv_index.hpp"

namespace dime::io {

TsvShard::TsvShard(const std::filesystem::path& path, std::string name)
    : path_(path), name_(std::move(name)), file_(path) {
  if (file_.size() == 0) throw DataError("the shard " + shown(path) + " is empty");
  offsets_ = line_offsets(path, file_.view());
  auto list = path;
  list.replace_extension(".linelist");
  if (is_there(list)) kept_ = read_line_list(list, offsets_.size());
}

// The index was checked at its ends only; each row proves its own place.
std::string_view TsvShard::line(std::size_t number) const {
  const std::string_view bytes = file_.view();
  const std::size_t begin = offsets_[number];
  if (begin > 0 && bytes[begin - 1] != '\n') {
    throw DataError(index_problem(path_, number + 1, "offset " + std::to_string(begin) + " is not the start of a row"));
  }
  const bool last = number + 1 == offsets_.size();
  const std::size_t limit = last ? bytes.size() : offsets_[number + 1];
  const std::string_view text = bytes.substr(begin, limit - begin);
  const std::size_t end = text.find('\n');
  const bool fits = end == std::string_view::npos ? last : end + 1 == text.size();
  if (!fits) {
    throw DataError(index_problem(path_, number + 1,
                                  "the row at offset " + std::to_string(begin) + " does not end at the next offset"));
  }
  return text.substr(0, end);
}

TsvRow TsvShard::place(std::int64_t i) const {
  const auto number = static_cast<std::size_t>(i);
  return {{}, {}, name_, static_cast<std::int64_t>(kept_.empty() ? number : kept_[number])};
}

TsvRow TsvShard::row(std::int64_t i) const {
  TsvRow row = place(i);
  const std::string_view text = line(static_cast<std::size_t>(row.row));
  const std::size_t tab = text.find('\t');
  row.key = strip(text.substr(0, tab));
  if (tab == std::string_view::npos) {
    row.key = {};
    throw RowError(where(row) + ": the row has no tab between key and payload");
  }
  const std::string_view rest = text.substr(tab + 1);
  row.payload = strip(rest.substr(0, rest.find('\t')));
  return row;
}

}  // namespace dime::io
