// SPDX-License-Identifier: Apache-2.0
// Many files, read by position from many threads. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include <dime/api.hpp>

namespace dime {

/// The files of one data source, of which a bounded number is open at any time: at most 128, and at most an eighth of
/// the descriptors that the process may have. Files are read by position, never mapped, so that one that shrinks is an
/// error and no signal.
class DIME_API FilePool {
 public:
  FilePool();
  ~FilePool();
  FilePool(FilePool&&) noexcept;
  FilePool& operator=(FilePool&&) noexcept;

  /// Adds a file, which must be a regular one, and returns its number, from 0. Its size and time as of now are what
  /// every read is held against. Not to be called while other threads read. Throws IoError with the path.
  std::size_t add(const std::filesystem::path& path);
  /// The path of a file, as it was added.
  const std::filesystem::path& path(std::size_t file) const;
  /// The bytes that a file had when it was added.
  std::uint64_t size(std::size_t file) const;

  /// Fills `bytes` from offset `at` of a file. Safe from many threads. Throws IoError when the file cannot be read, and
  /// "PATH has changed since it was opened (…): start again with it as it is now" when its size or its time is not
  /// what it was (a change that leaves the size is noticed within the grain of file times, some milliseconds);
  /// ArgumentError when the range is not within size(file).
  void read(std::size_t file, std::uint64_t at, std::span<std::uint8_t> bytes) const;
  /// Has the system fetch a part of a file, without waiting for it; what lies past the end is left out. From then on
  /// nothing else of the file is fetched ahead of its reading. Safe from many threads. Throws IoError as `read`.
  void will_need(std::size_t file, std::uint64_t at, std::uint64_t bytes) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dime
