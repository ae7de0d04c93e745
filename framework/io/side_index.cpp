// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include <dime/error.hpp>
#include <dime/side_index.hpp>

#include "io/atomic_file.hpp"
#include "io/file_state.hpp"
#include "io/mapped_file.hpp"

namespace dime {
namespace {

static_assert(std::endian::native == std::endian::little, "side files are little endian");

// What a side file begins with; the numbers follow.
struct Header {
  std::array<char, 8> magic{'d', 'i', 'm', 'e', 'i', 'd', 'x', '\n'};
  std::array<char, 16> kind{};
  io::FileState file;
  io::FileState also;
  std::uint64_t count = 0;
  std::uint64_t checksum = 0;  // of all that stands before it
};
static_assert(sizeof(Header) == 72 && std::is_trivially_copyable_v<Header>, "the header is written as it lies");

std::uint64_t checksum(const Header& header) { return XXH3_64bits(&header, offsetof(Header, checksum)); }

Header header_of(std::string_view kind, const std::filesystem::path& file, const std::filesystem::path& also) {
  Header header;
  if (kind.size() > header.kind.size()) throw ArgumentError("the kind of a side index has at most 16 bytes");
  kind.copy(header.kind.data(), kind.size());
  header.file = io::file_state(file);
  if (!also.empty()) header.also = io::file_state(also);
  return header;
}

std::filesystem::path side_path(std::filesystem::path file) { return file += ".dimeidx"; }

std::size_t mapped_size(const Header& header) { return sizeof header + header.count * sizeof(std::uint64_t); }

// Whether `path` begins as a side file for files that `wanted` tells of, and is whole. Read, not mapped: a page that
// is touched brings its neighbours into memory.
bool is_valid(const std::filesystem::path& path, Header wanted) {
  std::size_t size = 0;
  const io::FileDescriptor file = io::open_regular(path, &size);
  Header found;
  if (::pread(file.get(), &found, sizeof found, 0) != static_cast<ssize_t>(sizeof found)) return false;
  wanted.count = (size - sizeof found) / sizeof(std::uint64_t);
  wanted.checksum = checksum(wanted);
  return std::memcmp(&found, &wanted, sizeof found) == 0 && size == mapped_size(wanted);
}

std::optional<io::MappedFile> map_valid(const std::filesystem::path& path, const Header& wanted) {
  try {
    if (is_valid(path, wanted)) return io::MappedFile(path);
  } catch (const IoError&) {
    // It is not there, or cannot be read: then it is made anew.
  }
  return std::nullopt;
}

void keep(const std::filesystem::path& path, Header header, std::span<const std::uint64_t> numbers) {
  header.count = numbers.size();
  header.checksum = checksum(header);
  try {
    io::AtomicFile file(path);
    file.write(&header, sizeof header);
    file.write(numbers.data(), numbers.size_bytes());
    file.commit();
  } catch (const IoError&) {
    // A folder that cannot be written costs the making at each start, nothing else.
  }
}

}  // namespace

struct SideIndex::Store {
  std::optional<io::MappedFile> mapped;
  std::vector<std::uint64_t> made;

  std::span<const std::uint64_t> numbers() const {
    if (!mapped) return made;
    const std::uint8_t* first = mapped->data() + sizeof(Header);
    return {reinterpret_cast<const std::uint64_t*>(first), (mapped->size() - sizeof(Header)) / sizeof(std::uint64_t)};
  }
};

SideIndex::SideIndex(const std::filesystem::path& file, std::string_view kind, const Make& make,
                     const std::filesystem::path& also)
    : store_(std::make_unique<Store>()) {
  // Taken before the file is read: a change in between makes the side file stale, never wrong.
  const Header header = header_of(kind, file, also);
  const auto path = side_path(file);
  store_->mapped = map_valid(path, header);
  if (!store_->mapped) {
    store_->made = make();
    keep(path, header, store_->made);
    store_->mapped = map_valid(path, header);
    if (store_->mapped) store_->made = std::vector<std::uint64_t>();
  }
  numbers_ = store_->numbers();
}

SideIndex::SideIndex(std::vector<std::uint64_t> numbers) : store_(std::make_unique<Store>()) {
  store_->made = std::move(numbers);
  numbers_ = store_->made;
}

SideIndex::~SideIndex() = default;
SideIndex::SideIndex(SideIndex&&) noexcept = default;
SideIndex& SideIndex::operator=(SideIndex&&) noexcept = default;

}  // namespace dime
