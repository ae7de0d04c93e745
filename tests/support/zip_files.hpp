// SPDX-License-Identifier: Apache-2.0
// Zip archives written record by record, so that a test can make each kind, and wrong ones.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dime::test {

/// `value` in `count` bytes, the lowest first.
inline std::string little(std::uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(i < 8 ? static_cast<char>(value >> 8 * i & 0xff) : '\0');
  return bytes;
}

inline std::uint32_t crc_of(std::string_view data) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

/// One entry, and what its two headers say of it.
struct ZipMember {
  std::string name;
  std::string data;
  bool descriptor = false;  ///< size and CRC behind the data, as torch's writer puts them
  bool large = false;       ///< sizes in the zip64 field
  unsigned method = 0;
  unsigned flags = 0;
  bool no_crc = false;
  std::string local_name{};  ///< where it differs
};

/// The local header of a member, its data and their descriptor.
inline std::string zip_local(const ZipMember& member) {
  const std::string& name = member.local_name.empty() ? member.name : member.local_name;
  const std::uint32_t crc = member.no_crc ? 0 : crc_of(member.data);
  const std::string extra =
      member.large ? little(1, 2) + little(16, 2) + little(member.data.size(), 8) + little(member.data.size(), 8) : "";
  const std::uint64_t size = member.large ? 0xffffffff : member.data.size();
  const std::string sums =
      member.descriptor ? std::string(12, '\0') : little(crc, 4) + little(size, 4) + little(size, 4);
  std::string bytes = little(0x04034b50, 4) + little(0, 2) + little(member.flags | (member.descriptor ? 8 : 0), 2) +
                      little(member.method, 2) + little(0, 4) + sums + little(name.size(), 2) +
                      little(extra.size(), 2) + name + extra + member.data;
  if (member.descriptor) bytes += little(0x08074b50, 4) + little(crc, 4) + little(size, 4) + little(size, 4);
  return bytes;
}

/// The record of a member in the directory; its local header is at byte `at`.
inline std::string zip_central(const ZipMember& member, std::uint64_t at) {
  const std::string extra = member.large
                                ? little(7, 2) + little(1, 2) + "x" + little(1, 2) + little(24, 2) +
                                      little(member.data.size(), 8) + little(member.data.size(), 8) + little(at, 8)
                                : "";
  const std::uint64_t size = member.large ? 0xffffffff : member.data.size();
  return little(0x02014b50, 4) + little(0, 4) + little(member.flags | (member.descriptor ? 8 : 0), 2) +
         little(member.method, 2) + little(0, 4) + little(member.no_crc ? 0 : crc_of(member.data), 4) +
         little(size, 4) + little(size, 4) + little(member.name.size(), 2) + little(extra.size(), 2) + little(0, 10) +
         little(member.large ? 0xffffffff : at, 4) + member.name + extra;
}

/// What an archive ends with, for a directory of `count` records and `size` bytes that begins at byte `at`.
inline std::string zip_end(std::uint64_t count, std::uint64_t size, std::uint64_t at) {
  return little(0x06054b50, 4) + little(0, 4) + little(count, 2) + little(count, 2) + little(size, 4) + little(at, 4) +
         little(0, 2);
}

/// The same in 64 bits, before an end whose values are set aside.
inline std::string zip_end_64(std::uint64_t count, std::uint64_t size, std::uint64_t at) {
  return little(0x06064b50, 4) + little(44, 8) + little(0, 4) + little(0, 8) + little(count, 8) + little(count, 8) +
         little(size, 8) + little(at, 8) + little(0x07064b50, 4) + little(0, 4) + little(at + size, 8) + little(1, 4) +
         zip_end(0xffff, 0xffffffff, 0xffffffff);
}

/// A whole archive.
inline std::string zip_file(const std::vector<ZipMember>& members, bool large_end = false) {
  std::string bytes, directory;
  for (const ZipMember& member : members) {
    directory += zip_central(member, bytes.size());
    bytes += zip_local(member);
  }
  const std::uint64_t at = bytes.size();
  return bytes + directory +
         (large_end ? zip_end_64(members.size(), directory.size(), at) : zip_end(members.size(), directory.size(), at));
}

}  // namespace dime::test
