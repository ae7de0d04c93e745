// SPDX-License-Identifier: Apache-2.0
// Zip archives, whole and damaged.
#pragma once

#include <zip.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dime::test {

struct ZipMember {
  std::string name;
  std::string bytes;
  zip_int32_t method = ZIP_CM_DEFLATE;
};

/// Writes an archive of these members.
inline void write_zip(const std::filesystem::path& path, const std::vector<ZipMember>& members) {
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  if (zip == nullptr) throw std::runtime_error("cannot write " + path.string());
  for (const ZipMember& member : members) {
    zip_source_t* bytes = zip_source_buffer(zip, member.bytes.data(), member.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(zip, member.name.c_str(), bytes, ZIP_FL_ENC_UTF_8);
    if (index < 0 || zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), member.method, 0) != 0) {
      throw std::runtime_error("cannot add " + member.name);
    }
  }
  if (zip_close(zip) != 0) throw std::runtime_error("cannot write " + path.string());
}

/// Where the fields of a header lie after its signature begins.
struct ZipField {
  std::size_t in_directory;
  std::size_t size;
};
inline constexpr ZipField kFlags{8, 2}, kMethod{10, 2}, kChecksum{16, 4}, kSize{24, 4};

/// An archive's bytes with one field of its directory's first entry changed.
inline std::string with_field(std::string zip, ZipField field, std::uint32_t value) {
  const std::size_t entry = zip.find("PK\1\2");
  for (std::size_t i = 0; i < field.size; ++i) {
    zip.at(entry + field.in_directory + i) = static_cast<char>(value >> (8 * i) & 255);
  }
  return zip;
}

}  // namespace dime::test
