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

// The side file, where it is whole and belongs to files that `wanted` tells of.
std::optional<io::MappedFile> map_valid(const std::filesystem::path& path, Header wanted) {
  try {
    io::MappedFile mapped(path);
    Header found;
    if (mapped.size() < sizeof found) return std::nullopt;
    std::memcpy(&found, mapped.data(), sizeof found);
    wanted.count = (mapped.size() - sizeof found) / sizeof(std::uint64_t);
    wanted.checksum = checksum(wanted);
    const bool same = std::memcmp(&found, &wanted, sizeof found) == 0;
    if (!same || mapped.size() != sizeof found + wanted.count * sizeof(std::uint64_t)) return std::nullopt;
    return mapped;
  } catch (const IoError&) {
    return std::nullopt;  // it is not there, or cannot be read: then it is made anew
  }
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
    if (store_->mapped) store_->made = {};
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
