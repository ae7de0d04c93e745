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
#include <system_error>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/tar.hpp>

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
    try {
      add_members();
    } catch (const DataError& e) {
      throw DataError(shown_path(root_) + " is no folder, and as a tar archive it is " + e.what());
    }
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
  void add_members() {
    const std::span<const std::uint8_t> bytes(bytes_);
    TarReader tar(bytes.size(), [&](std::uint64_t at, std::span<std::uint8_t> out) {
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    });
    while (const auto member = tar.next()) {
      const std::string name = member->name.substr(member->name.rfind('/') + 1);
      if (!members_.emplace(name, bytes.subspan(member->data, member->size)).second) {
        throw DataError("damaged at byte " + std::to_string(member->begin) + ": it holds " +
                        printable(name, longest_shown) + " twice");
      }
    }
  }

  std::filesystem::path root_;
  bool packed_ = false;
  std::vector<std::uint8_t> bytes_;
  std::map<std::string, std::span<const std::uint8_t>> members_;
};

}  // namespace dime
