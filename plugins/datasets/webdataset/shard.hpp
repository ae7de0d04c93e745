// SPDX-License-Identifier: Apache-2.0
// The samples of one shard, by number.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/file_pool.hpp>
#include <dime/printable.hpp>
#include <dime/side_index.hpp>
#include <dime/tar.hpp>

#include "../shown_path.hpp"
#include "finder.hpp"
#include "sample.hpp"

namespace dime::webdataset {

/// A shard and its index: two numbers for each sample, kept beside the shard. Names are read where a sample is.
class Shard {
 public:
  /// `file` is the shard's number in `files`, which is the one to pass below; `name` is what messages call it. Makes
  /// the index where there is none. Throws DataError and IoError, as Finder and SideIndex do.
  Shard(const FilePool& files, std::size_t file, std::string name)
      : file_(file),
        name_(std::move(name)),
        index_(files.path(file), "webdataset 1", [&] { return Finder(files, file).find(); }) {
    if (index_.numbers().empty() || index_.numbers().size() % 2 != 0) misfit(files, "it is cut short");
  }

  std::int64_t size() const { return static_cast<std::int64_t>(index_.numbers().size() / 2); }

  /// "NAME:KEY" of sample i; "NAME: sample i" where the key cannot be read.
  std::string where(const FilePool& files, std::int64_t i) const {
    std::string key;
    try {
      find_members(files, i, Region(files, file_), key);
    } catch (const Error&) {
      // What is wrong is said when the sample is read.
    }
    return place(i, key);
  }

  /// Sample i; in one piece where most of it is wanted. Safe from many threads. Throws RowError with its place when it
  /// cannot be read, the archive is cut short in it, or two of its members have one extension; DataError when it is not
  /// where the index has it.
  Sample read(const FilePool& files, std::int64_t i, bool in_one_piece) const {
    // What else lies in a sample may be of any size.
    constexpr std::uint64_t large = std::uint64_t{1} << 22;
    std::string key;
    try {
      const Extent extent = extent_of(files, i);
      const bool whole = in_one_piece && extent.end - extent.begin <= large;
      Region region = whole ? Region(files, file_, extent) : Region(files, file_);
      auto members = find_members(files, i, region, key);
      return {place(i, key), key, std::move(members), std::move(region)};
    } catch (const TarCutError& e) {
      throw RowError(place(i, key) + ": the archive is " + e.what());
    } catch (const IoError& e) {
      throw RowError(place(i, key) + ": " + e.what());
    }
  }

 private:
  [[noreturn]] void misfit(const FilePool& files, const std::string& problem) const {
    const std::string shard = shown_path(files.path(file_));
    throw DataError(shard + " does not fit its index " + shard + ".dimeidx: " + problem +
                    "; delete the index to have it made anew");
  }

  std::string place(std::int64_t i, const std::string& key) const {
    return shown_path(name_) + ":" + (key.empty() ? " sample " + std::to_string(i) : printable(key));
  }

  Extent extent_of(const FilePool& files, std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i) * 2;
    const Extent extent{index_.numbers()[at], index_.numbers()[at + 1]};
    if (extent.begin >= extent.end || extent.end > files.size(file_)) {
      misfit(files, "sample " + std::to_string(i) + " is not within the shard");
    }
    return extent;
  }

  // `key` is set as soon as it is known, for messages about what follows.
  std::vector<Sample::Member> find_members(const FilePool& files, std::int64_t i, const Region& region,
                                           std::string& key) const {
    const Extent extent = extent_of(files, i);
    const auto read = [&](std::uint64_t at, std::span<std::uint8_t> out) { region.read(at, out); };
    TarReader tar(files.size(file_), read, extent.begin);
    std::vector<Sample::Member> members;
    bool fits = true;
    try {
      while (fits && tar.next_header() < extent.end) {
        const auto member = tar.next();
        fits = member.has_value() && add(*member, i, key, members);
      }
    } catch (const TarCutError& e) {
      if (key.empty() && e.member()) key = split_name(e.member()->name).value_or(MemberName{}).key;
      throw;
    } catch (const RowError&) {
      throw;
    } catch (const DataError&) {
      fits = false;
    }
    if (!fits || members.empty() || tar.next_header() != extent.end) {
      misfit(files, "sample " + std::to_string(i) + " is not where the index has it");
    }
    return members;
  }

  // False when the member is of another sample.
  bool add(const TarMember& member, std::int64_t i, std::string& key, std::vector<Sample::Member>& members) const {
    constexpr std::size_t most = 1024;
    const auto name = split_name(member.name);
    if (!name) return true;
    if (key.empty()) key = name->key;
    if (name->key != key) return false;
    const auto same = [&](const Sample::Member& other) { return other.extension == name->extension; };
    if (std::any_of(members.begin(), members.end(), same)) {
      throw RowError(place(i, key) + ": the archive holds its member " + printable(name->extension, longest_shown) +
                     " twice: take one out");
    }
    if (members.size() == most) throw RowError(place(i, key) + ": it has more than 1024 members");
    members.push_back({name->extension, member.data, member.size});
    return true;
  }

  std::size_t file_;
  std::string name_;
  SideIndex index_;
};

}  // namespace dime::webdataset
