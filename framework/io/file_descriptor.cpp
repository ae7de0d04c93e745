// SPDX-License-Identifier: Apache-2.0
#include "io/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace dime::io {

FileDescriptor open_regular(const std::filesystem::path& path, std::size_t* size) {
  // Without O_NONBLOCK the open of a pipe waits for a writer, for ever.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) throw io_error("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw io_error("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw io_error("read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) throw IoError("cannot read " + shown(path) + ": it is no regular file");
  if (size != nullptr) *size = static_cast<std::size_t>(status.st_size);
  return file;
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error && error != std::errc::filename_too_long) throw io_error("read", path, error.value());
  return there;
}

}  // namespace dime::io
