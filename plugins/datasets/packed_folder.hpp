// SPDX-License-Identifier: Apache-2.0
// The files of a folder, whether it lies unpacked or in a .tar.gz.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "shown_path.hpp"

namespace dime {

/// Files by their names without folders.
class PackedFolder {
 public:
  /// `root` is a folder, or a tar archive, plain or gzip-compressed, which is held in memory. Throws IoError when it
  /// cannot be read, DataError when it is no such archive, is damaged, or holds two files of one name.
  explicit PackedFolder(std::filesystem::path root) : root_(std::move(root)) {
    std::error_code ignored;
    if (std::filesystem::is_directory(root_, ignored)) return;
    bytes_ = read_unpacked_file(root_);
    packed_ = true;
    for (std::size_t at = 0; !at_end(at);) at = add_member(at);
  }

  PackedFolder(const PackedFolder&) = delete;
  PackedFolder& operator=(const PackedFolder&) = delete;

  bool has(const std::string& name) const {
    std::error_code ignored;
    return packed_ ? members_.contains(name) : std::filesystem::exists(root_ / name, ignored);
  }

  /// The bytes of the file `name`. Throws IoError, or DataError when the archive has none of that name.
  std::vector<std::uint8_t> read(const std::string& name) const {
    if (!packed_) return read_file(root_ / name);
    const auto found = members_.find(name);
    if (found == members_.end()) throw DataError(shown_path(root_) + " holds no " + name);
    return {found->second.begin(), found->second.end()};
  }

  /// Where the file `name` lies, for messages.
  std::string where(const std::string& name) const { return shown_path(root_ / name); }

 private:
  static constexpr std::size_t kBlock = 512;

  [[noreturn]] void refuse(std::size_t at, const std::string& problem) const {
    throw DataError(shown_path(root_) + " is no folder, and as a tar archive it is damaged at byte " +
                    std::to_string(at) + ": " + problem);
  }

  /// Whether the archive ends at `at`: by a block of zeros, or with the file.
  bool at_end(std::size_t at) const {
    if (at == bytes_.size() && at > 0) return true;
    if (bytes_.size() - at < kBlock) refuse(at, "the header is cut short");
    const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(at);
    return std::all_of(first, first + kBlock, [](std::uint8_t b) { return b == 0; });
  }

  std::string_view field(std::size_t at, std::size_t size) const {
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at, size);
    return text.substr(0, text.find('\0'));
  }

  std::uint64_t octal(std::size_t header, std::size_t offset, std::size_t size) const {
    std::string_view text = field(header + offset, size);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find(' '));
    std::uint64_t number = 0;
    for (const char c : text) {
      if (c < '0' || c > '7') refuse(header, "the header holds no octal number where one belongs");
      number = number * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
  }

  void check_sum(std::size_t at) const {
    constexpr std::size_t sum_at = 148, sum_size = 8;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      sum += i >= sum_at && i < sum_at + sum_size ? std::uint64_t{' '} : std::uint64_t{bytes_[at + i]};
    }
    if (sum != octal(at, sum_at, sum_size)) refuse(at, "the header's checksum is wrong");
  }

  /// Notes the member whose header is at `at`, where it is a file; returns where the next begins.
  std::size_t add_member(std::size_t at) {
    constexpr std::size_t name_size = 100, size_at = 124, size_size = 12, type_at = 156;
    check_sum(at);
    const std::uint64_t size = octal(at, size_at, size_size);
    const std::size_t data = at + kBlock;
    if (size > bytes_.size() - data) refuse(at, "the member is cut short");
    const std::uint8_t type = bytes_[at + type_at];
    if (type == '0' || type == 0) {
      const std::string_view path = field(at, name_size);
      const std::string name(path.substr(path.rfind('/') + 1));
      if (!members_.emplace(name, std::span(bytes_).subspan(data, size)).second) {
        refuse(at, "it holds " + printable(name, longest_shown) + " twice");
      }
    }
    return std::min(bytes_.size(), data + (size + kBlock - 1) / kBlock * kBlock);
  }

  std::filesystem::path root_;
  bool packed_ = false;
  std::vector<std::uint8_t> bytes_;
  std::map<std::string, std::span<const std::uint8_t>> members_;
};

}  // namespace dime
