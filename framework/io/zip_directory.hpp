// SPDX-License-Identifier: Apache-2.0
// Where the entries of a zip archive lie, so that they can be read where they are mapped. Nothing is unpacked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::io {

/// One entry. Both views point into the archive's bytes.
struct ZipEntry {
  std::string_view name;
  std::string_view data;  ///< as it lies in the archive: ZipDirectory::read() says whether that is its content
  std::uint32_t crc = 0;  ///< CRC-32 of the content; 0 also where the writer left it out
  unsigned method = 0;    ///< 0: stored as it is
  bool encrypted = false;
};

/// The directory of a zip archive (also zip64) in memory.
class ZipDirectory {
 public:
  /// `bytes` must outlive it; `file` is what messages call the archive.
  /// Throws WeightsError, naming archive and entry, for everything that is not exactly the format: no end record, a
  /// local header that disagrees with the directory, entries that overlap or lie elsewhere, a name twice.
  ZipDirectory(std::string_view bytes, const std::string& file);

  /// In order of name.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// The entry of this name, or nullptr.
  const ZipEntry* find(std::string_view name) const;
  /// The content of an entry, where it lies. Throws WeightsError for one that is compressed or encrypted, and for data
  /// that do not have its CRC-32 (one of 0 says nothing).
  std::string_view read(const ZipEntry& entry) const;

 private:
  std::string file_;
  std::vector<ZipEntry> entries_;
};

/// Whether `bytes` begin as a zip archive does.
bool is_zip(std::string_view bytes);

}  // namespace dime::io
