// SPDX-License-Identifier: Apache-2.0
// One open zip archive.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "shown_path.hpp"

namespace dime {

/// What tells a file from another one, and from itself after a change.
struct FileStamp {
  dev_t device = 0;
  ino_t number = 0;
  off_t size = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  FileStamp() = default;
  explicit FileStamp(const struct stat& s)
      : device(s.st_dev),
        number(s.st_ino),
        size(s.st_size),
        seconds(s.st_mtim.tv_sec),
        nanoseconds(s.st_mtim.tv_nsec) {}
  bool operator==(const FileStamp&) const = default;
};

/// A zip archive, read and never mapped: one that shrinks meanwhile is an error and no signal. Holds one descriptor and
/// the archive's directory. Not for two threads at once.
class ZipArchive {
 public:
  /// A member of more bytes is refused.
  static constexpr std::uint64_t longest_member = std::uint64_t{1} << 30;

  /// Opens the archive and reads its directory. Throws IoError when the file cannot be read or is no regular one,
  /// DataError when it is no zip archive; each with the path.
  explicit ZipArchive(const std::filesystem::path& path) {
    std::unique_ptr<std::FILE, CloseFile> file = open(path);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_filep_create(file.get(), 0, -1, &error);
    if (source != nullptr) {
      // From here on the source closes it.
      static_cast<void>(file.release());
      zip_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
      if (!zip_) zip_source_free(source);
    }
    const std::string problem = zip_ ? "" : archive_problem(error);
    zip_error_fini(&error);
    if (!zip_) throw DataError(shown_path(path) + " " + problem);
  }

  /// How many members it has.
  std::uint64_t members() const { return static_cast<std::uint64_t>(zip_get_num_entries(zip_.get(), 0)); }

  /// Of its file, as it was opened.
  const FileStamp& stamp() const { return stamp_; }
  /// Whether its file is as it was opened.
  bool unchanged() const {
    struct stat now {};
    return ::fstat(descriptor_, &now) == 0 && FileStamp(now) == stamp_;
  }

  /// The bytes of the member of exactly this name. Throws RowError, without the names of archive and member, when there
  /// is none, when it is encrypted, neither stored nor deflated or longer than `longest_member`, and when its bytes do
  /// not have the size or the checksum that the directory states.
  std::vector<std::uint8_t> read(const std::string& name) {
    const zip_int64_t found = zip_name_locate(zip_.get(), name.c_str(), ZIP_FL_ENC_GUESS);
    if (found < 0) throw RowError("the archive holds no such member");
    const auto index = static_cast<zip_uint64_t>(found);
    zip_stat_t stated;
    zip_stat_init(&stated);
    if (zip_stat_index(zip_.get(), index, 0, &stated) != 0) refuse(*zip_get_error(zip_.get()));
    check(stated);
    const std::unique_ptr<zip_file_t, CloseMember> member(zip_fopen_index(zip_.get(), index, 0));
    if (!member) refuse(*zip_get_error(zip_.get()));
    return unpack(*member, stated.size);
  }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct CloseArchive {
    void operator()(zip_t* zip) const { zip_discard(zip); }
  };
  struct CloseMember {
    void operator()(zip_file_t* member) const { zip_fclose(member); }
  };

  std::unique_ptr<std::FILE, CloseFile> open(const std::filesystem::path& path) {
    const auto fail = [&](const char* what, int error) {
      throw IoError("cannot " + std::string(what) + " " + shown_path(path) + ": " +
                    std::generic_category().message(error));
    };
    // Without O_NONBLOCK the open of a pipe waits for a writer, for ever.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor_ < 0) fail("open", errno);
    std::unique_ptr<std::FILE, CloseFile> file(::fdopen(descriptor_, "rb"));
    if (!file) {
      ::close(descriptor_);
      fail("open", ENOMEM);
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail("read", errno);
    if (S_ISDIR(status.st_mode)) fail("read", EISDIR);
    if (!S_ISREG(status.st_mode)) throw IoError("cannot read " + shown_path(path) + ": it is no regular file");
    // libzip takes an empty file for an archive without members.
    if (status.st_size == 0) throw DataError(shown_path(path) + " is empty");
    stamp_ = FileStamp(status);
    return file;
  }

  static std::string archive_problem(zip_error_t& error) {
    switch (zip_error_code_zip(&error)) {
      case ZIP_ER_NOZIP:
        return "is no zip archive, or is cut short: the directory at its end is missing";
      case ZIP_ER_INCONS:
        return "is damaged: its directory does not fit the rest";
      case ZIP_ER_MULTIDISK:
        return "is one part of a split zip archive: join the parts";
      default:
        return "cannot be read as a zip archive: " + printable(zip_error_strerror(&error));
    }
  }

  [[noreturn]] static void refuse(zip_error_t& error) {
    switch (zip_error_code_zip(&error)) {
      case ZIP_ER_CRC:
        throw RowError("its checksum is wrong");
      case ZIP_ER_ZLIB:
      case ZIP_ER_COMPRESSED_DATA:
        throw RowError("its bytes do not inflate: the archive is damaged");
      case ZIP_ER_EOF:
        throw RowError("it is cut short");
      case ZIP_ER_INCONS:
      case ZIP_ER_NOZIP:
        refuse_misfit();
      default:
        throw RowError("it cannot be read: " + printable(zip_error_strerror(&error)));
    }
  }

  [[noreturn]] static void refuse_misfit() {
    throw RowError("it does not fit the archive's directory: the archive is damaged");
  }

  static void check(const zip_stat_t& stated) {
    if (stated.encryption_method != ZIP_EM_NONE) throw RowError("it is encrypted");
    if (stated.comp_method != ZIP_CM_STORE && stated.comp_method != ZIP_CM_DEFLATE) {
      throw RowError("it is compressed by method " + std::to_string(stated.comp_method) +
                     "; only stored and deflated members are read");
    }
    if (stated.size > longest_member) {
      throw RowError("it has " + std::to_string(stated.size) + " bytes, more than the " +
                     std::to_string(longest_member) + " that are read");
    }
  }

  /// What the directory states of the size is believed only as bytes come.
  static std::vector<std::uint8_t> unpack(zip_file_t& member, std::uint64_t size) {
    constexpr std::uint64_t first = std::uint64_t{1} << 18;
    std::vector<std::uint8_t> bytes;
    for (;;) {
      const std::uint64_t have = bytes.size();
      // One byte past the end, for it is there that libzip compares the checksum.
      const std::uint64_t want = std::min(std::max(have, first), size + 1 - have);
      bytes.resize(have + want);
      const zip_int64_t got = zip_fread(&member, bytes.data() + have, want);
      if (got < 0) refuse(*zip_file_get_error(&member));
      bytes.resize(have + static_cast<std::uint64_t>(got));
      if (bytes.size() > size) {
        throw RowError("it inflates to more than the " + std::to_string(size) + " bytes that the directory states");
      }
      if (got == 0) break;
    }
    if (bytes.size() != size) refuse_misfit();
    return bytes;
  }

  int descriptor_ = -1;  ///< of the file, which zip_ closes
  FileStamp stamp_;
  std::unique_ptr<zip_t, CloseArchive> zip_;
};

}  // namespace dime
