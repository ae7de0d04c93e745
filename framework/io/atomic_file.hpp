// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/file_descriptor.hpp"

namespace dime::io {

/// A file that is written aside (`PATH.partial.PID.N`, in the same folder) and takes its name only when it is whole.
/// Destroyed before commit(), it leaves nothing behind.
class AtomicFile {
 public:
  /// Throws IoError when the folder cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws IoError (the disk is full, …) with the final path; the partial file is then removed.
  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// The bytes written so far.
  std::uint64_t size() const { return size_; }
  /// Flushes to the disk and closes, without taking the name; no write may follow.
  void finish();
  /// finish(), renames, and syncs the folder. Throws IoError.
  void commit();

 private:
  void flush();
  void put(const char* data, std::size_t bytes);
  [[noreturn]] void fail(const char* what);
  void discard() noexcept;

  std::filesystem::path path_;
  std::filesystem::path partial_;
  FileDescriptor file_;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace dime::io
