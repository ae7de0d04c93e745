// SPDX-License-Identifier: Apache-2.0
// Finding the samples of a WebDataset shard: members of a tar archive that stand together and share a key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/file_pool.hpp>
#include <dime/printable.hpp>
#include <dime/tar.hpp>

#include "../shown_path.hpp"
#include "../small_letters.hpp"

namespace dime::webdataset {

/// The two parts of a member's path.
struct MemberName {
  std::string key;        ///< the folder, and the base name up to its first dot
  std::string extension;  ///< what follows that dot, in small letters
};

/// Nothing when the base name begins with a dot or has none: such a member belongs to no sample.
inline std::optional<MemberName> split_name(const std::string& path) {
  const std::size_t base = path.rfind('/') + 1;
  const std::size_t dot = path.find('.', base);
  if (dot == std::string::npos || dot == base) return std::nullopt;
  return MemberName{path.substr(0, dot), small_letters(path.substr(dot + 1))};
}

/// Finds the samples of an archive, header by header.
class Finder {
 public:
  Finder(const FilePool& files, std::size_t file) : files_(files), file_(file) {}

  /// Begin and end of each sample. One that the archive's end cuts short, and the last before a cut in a header, goes
  /// up to the end of the file. Throws DataError with the path when there is no sample, the archive is damaged, or the
  /// members of a sample do not stand together; IoError.
  std::vector<std::uint64_t> find() {
    try {
      TarReader tar = reader(0);
      while (const auto member = tar.next()) add(*member, tar.next_header());
    } catch (const TarCutError& e) {
      if (e.member()) add(*e.member(), files_.size(file_));
      if (numbers_.empty()) throw DataError(path() + " holds no whole sample: it is " + e.what());
      numbers_.back() = files_.size(file_);
    } catch (const DataError& e) {
      if (is_gzip()) throw DataError(path() + " is compressed, and rows are read by position: unpack it with gunzip");
      throw DataError(path() + " is " + e.what());
    }
    if (numbers_.empty()) throw DataError(path() + " holds no sample: none of its files has a name as KEY.EXTENSION");
    expect_together();
    return std::move(numbers_);
  }

 private:
  std::string path() const { return shown_path(files_.path(file_)); }

  TarReader reader(std::uint64_t at) const {
    const auto read = [this](std::uint64_t from, std::span<std::uint8_t> bytes) { files_.read(file_, from, bytes); };
    return {files_.size(file_), read, at};
  }

  bool is_gzip() const {
    std::uint8_t magic[2] = {};
    if (files_.size(file_) >= sizeof magic) files_.read(file_, 0, magic);
    return magic[0] == 0x1f && magic[1] == 0x8b;
  }

  void add(const TarMember& member, std::uint64_t end) {
    auto name = split_name(member.name);
    if (!name) return;
    if (!numbers_.empty() && name->key == key_) {
      numbers_.back() = end;
      return;
    }
    keys_.emplace_back(std::hash<std::string>()(name->key), member.begin);
    numbers_.insert(numbers_.end(), {member.begin, end});
    key_ = std::move(name->key);
  }

  std::string key_at(std::uint64_t begin) const {
    std::optional<TarMember> member;
    try {
      member = reader(begin).next();
    } catch (const TarCutError& e) {
      member = e.member();
    }
    return member ? split_name(member->name).value_or(MemberName{}).key : "";
  }

  // Keys are kept as hashes: all names of a shard could be large.
  void expect_together() {
    std::sort(keys_.begin(), keys_.end());
    for (std::size_t i = 1; i < keys_.size(); ++i) {
      if (keys_[i].first != keys_[i - 1].first) continue;
      const std::string key = key_at(keys_[i].second);
      if (key != key_at(keys_[i - 1].second)) continue;
      throw DataError(path() + ": the members of the sample " + printable(key) + " do not stand together (bytes " +
                      std::to_string(keys_[i - 1].second) + " and " + std::to_string(keys_[i].second) +
                      "): pack them in the order of their names, as tar --sort=name does");
    }
  }

  const FilePool& files_;
  std::size_t file_;
  std::string key_;  // of the last sample
  std::vector<std::uint64_t> numbers_;
  std::vector<std::pair<std::size_t, std::uint64_t>> keys_;
};

}  // namespace dime::webdataset
