// SPDX-License-Identifier: Apache-2.0
#include "io/mapped_file.hpp"

#include <sys/mman.h>

#include <utility>

#include "io/file_descriptor.hpp"

namespace dime::io {

MappedFile::MappedFile(const std::filesystem::path& path) {
  std::size_t size = 0;
  const FileDescriptor file = open_regular(path, &size);
  if (size == 0) return;  // mmap refuses a length of 0
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED) throw io_error("map", path, errno);
  data_ = static_cast<const std::uint8_t*>(mapped);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace dime::io
