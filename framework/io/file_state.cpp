// SPDX-License-Identifier: Apache-2.0
#include "io/file_state.hpp"

#include <sys/stat.h>

namespace dime::io {
namespace {

FileState state_of(const struct stat& status) {
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return {static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec * nanoseconds + status.st_mtim.tv_nsec};
}

}  // namespace

FileState file_state(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw io_error("read", path, errno);
  return state_of(status);
}

FileState file_state(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw io_error("open", path, errno);
  return state_of(status);
}

}  // namespace dime::io
