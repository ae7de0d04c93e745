// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <dime/error.hpp>
#include <dime/printable.hpp>

namespace dime::io {

/// A path for messages: whole, for it is what must be found, and on one line.
inline std::string shown(const std::filesystem::path& path) {
  constexpr std::size_t longest = 4096;
  return printable(path.string(), longest);
}

/// "cannot WHAT PATH: REASON", with the reason of `error` (an errno).
inline IoError io_error(const char* what, const std::filesystem::path& path, int error) {
  return IoError("cannot " + std::string(what) + " " + shown(path) + ": " + std::generic_category().message(error));
}

/// Owns an open file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

/// Opens a regular file to read; `size`, where given, becomes its bytes. Throws IoError with the path and the reason.
FileDescriptor open_regular(const std::filesystem::path& path, std::size_t* size = nullptr);

/// Whether there is a file of this name; a name that is too long has none. Throws IoError when it cannot be told.
bool is_there(const std::filesystem::path& path);

}  // namespace dime::io
