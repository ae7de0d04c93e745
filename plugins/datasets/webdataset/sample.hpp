// SPDX-License-Identifier: Apache-2.0
// One sample of a shard, and its members' content.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/file_pool.hpp>
#include <dime/printable.hpp>

namespace dime::webdataset {

/// Where a sample lies in its shard: the first byte of its first header, and one past its last block.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// A part of a shard: in memory, read in one piece, or in the file.
class Region {
 public:
  /// The whole file, read where it is asked for.
  Region(const FilePool& files, std::size_t file) : files_(&files), file_(file) {}
  /// `part` is read now; the rest, where it is asked for. Throws IoError.
  Region(const FilePool& files, std::size_t file, const Extent& part)
      : files_(&files), file_(file), begin_(part.begin), bytes_(static_cast<std::size_t>(part.end - part.begin)) {
    files.read(file, begin_, bytes_);
  }

  /// Fills `out` from offset `at` of the file. Throws as FilePool::read.
  void read(std::uint64_t at, std::span<std::uint8_t> out) const {
    if (at < begin_ || at - begin_ > bytes_.size() || out.size() > bytes_.size() - (at - begin_)) {
      files_->read(file_, at, out);
    } else {
      std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at - begin_), out.size(), out.begin());
    }
  }

 private:
  const FilePool* files_;
  std::size_t file_;
  std::uint64_t begin_ = 0;
  std::vector<std::uint8_t> bytes_;
};

/// A sample whose members are known and not yet read.
class Sample {
 public:
  struct Member {
    std::string extension;
    std::uint64_t data;  ///< its content's offset in the shard
    std::uint64_t size;  ///< in bytes
  };

  /// `place` is what messages call it: "SHARD:KEY".
  Sample(std::string place, std::string key, std::vector<Member> members, Region region)
      : place_(std::move(place)), key_(std::move(key)), members_(std::move(members)), region_(std::move(region)) {}

  const std::string& key() const { return key_; }
  const std::vector<Member>& members() const { return members_; }

  /// The member with the first of `extensions` that the sample has, or null.
  const Member* find(const std::vector<std::string>& extensions) const {
    for (const auto& extension : extensions) {
      for (const auto& member : members_) {
        if (member.extension == extension) return &member;
      }
    }
    return nullptr;
  }

  /// The bytes of a member. Throws RowError when they cannot be read, or are more than a row may have.
  std::vector<std::uint8_t> content(const Member& member) const {
    constexpr std::uint64_t longest = std::uint64_t{1} << 30;
    if (member.size > longest) {
      refuse("the member " + printable(member.extension) + " has " + std::to_string(member.size) +
             " bytes, more than the " + std::to_string(longest) + " that one may have");
    }
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(member.size));
    try {
      region_.read(member.data, bytes);
    } catch (const IoError& e) {
      refuse(e.what());
    }
    return bytes;
  }

  /// Throws RowError ("SHARD:KEY: PROBLEM").
  [[noreturn]] void refuse(const std::string& problem) const { throw RowError(place_ + ": " + problem); }

 private:
  std::string place_;
  std::string key_;
  std::vector<Member> members_;
  Region region_;
};

}  // namespace dime::webdataset
