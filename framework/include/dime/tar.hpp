// SPDX-License-Identifier: Apache-2.0
// The files in a tar archive, found header by header. Torch-free.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <dime/api.hpp>
#include <dime/error.hpp>

namespace dime {

/// A regular file in an archive. Offsets and sizes are in bytes.
struct TarMember {
  std::string name;         ///< its path as it is stored; any bytes but NUL
  std::uint64_t begin = 0;  ///< where its first header begins: a reader that starts there finds it again
  std::uint64_t data = 0;   ///< where its content begins
  std::uint64_t size = 0;   ///< of its content
};

/// An archive that ends too early: "cut short in the member NAME (needs N bytes, M are there)", or "… in the header at
/// byte N (…)". The members before the cut are whole.
class DIME_API TarCutError : public DataError {
 public:
  TarCutError(const std::string& what, std::optional<TarMember> member);
  /// The file whose content is cut short; nothing when it is a header, or the content of what is no file.
  const std::optional<TarMember>& member() const { return member_; }

 private:
  std::optional<TarMember> member_;
};

/// Goes through an archive in the forms of ustar, GNU tar, pax and the tar of Unix V7. Directories, links, devices and
/// members of unknown types are passed over; sparse files are refused. The archive ends with a block of zeros, or with
/// its last member.
///
/// Only headers are read, by position. What next() returns lies within the archive.
class DIME_API TarReader {
 public:
  /// Fills `bytes` from offset `at` of the archive; it is only asked for what lies in it. What it throws goes through.
  using Read = std::function<void(std::uint64_t at, std::span<std::uint8_t> bytes)>;

  /// `size` is that of the archive, and `at` where to start: 0, the `begin` of a member, or next_header().
  TarReader(std::uint64_t size, Read read, std::uint64_t at = 0);

  /// The next regular file; nothing at the end of the archive. Throws TarCutError, and DataError ("damaged at byte N:
  /// PROBLEM") when a header is wrong or another archive follows the end of this one; neither names the archive.
  std::optional<TarMember> next();
  /// Where the header after the last member begins: the archive's end after the last of all.
  std::uint64_t next_header() const { return at_; }

 private:
  struct Step;

  std::uint64_t size_;
  Read read_;
  std::uint64_t at_;
};

}  // namespace dime
