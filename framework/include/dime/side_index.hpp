// SPDX-License-Identifier: Apache-2.0
// Where the rows of a file lie, found once and kept beside it. Torch-free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// A list of 64-bit numbers that was made from a file, kept in `FILE.dimeidx` and mapped from there, so that opening
/// takes the same short time and no memory at any size. It is made anew when the file (or one it was also made from)
/// is of another size or time than then, and when the side file is damaged or of another kind. It is written aside and
/// renamed: processes that start together may all make it. Where the folder cannot be written, the numbers are held in
/// memory.
///
/// The numbers were not checked against the file since they were made: bounds are the reader's to check.
class DIME_API SideIndex {
 public:
  using Make = std::function<std::vector<std::uint64_t>()>;

  /// `kind` names what the numbers mean and the version of that (at most 16 bytes: "tsv 1"). `also` is a second file
  /// that they depend on; empty where there is none. `make` finds them; what it throws goes through. Throws IoError
  /// when `file` is not there.
  SideIndex(const std::filesystem::path& file, std::string_view kind, const Make& make,
            const std::filesystem::path& also = {});
  /// Numbers that are held in memory.
  explicit SideIndex(std::vector<std::uint64_t> numbers);
  ~SideIndex();
  SideIndex(SideIndex&&) noexcept;
  SideIndex& operator=(SideIndex&&) noexcept;

  /// The numbers, in the order in which they were made.
  std::span<const std::uint64_t> numbers() const { return numbers_; }

 private:
  struct Store;
  std::unique_ptr<Store> store_;
  std::span<const std::uint64_t> numbers_;
};

}  // namespace dime
