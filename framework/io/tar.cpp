// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include <dime/printable.hpp>
#include <dime/tar.hpp>

namespace dime {
namespace {

constexpr std::uint64_t kBlock = 512;
// Far above any name: a header that lies must not fill the memory, nor keep the reader at it.
constexpr std::uint64_t kLongestExtension = std::uint64_t{1} << 20;
constexpr int kMostExtensions = 8;

[[noreturn]] void refuse(std::uint64_t at, const std::string& problem) {
  throw DataError("damaged at byte " + std::to_string(at) + ": " + problem);
}

std::string shortage(std::uint64_t needed, std::uint64_t there) {
  return " (needs " + std::to_string(needed) + " bytes, " + std::to_string(there) + " are there)";
}

class Header {
 public:
  Header(std::uint64_t at, const TarReader::Read& read) : at_(at) { read(at, block_); }

  std::uint64_t at() const { return at_; }
  std::uint64_t data() const { return at_ + kBlock; }
  char type() const { return static_cast<char>(block_[type_at]); }
  bool is_zero() const {
    return std::all_of(block_.begin(), block_.end(), [](std::uint8_t byte) { return byte == 0; });
  }

  // Old programs summed signed bytes.
  bool has_checksum() const {
    std::uint64_t sum = 0;
    std::int64_t signed_sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const std::uint8_t byte = i >= sum_at && i < sum_at + sum_size ? std::uint8_t{' '} : block_[i];
      sum += byte;
      signed_sum += static_cast<std::int8_t>(byte);
    }
    const auto stored = octal(sum_at, sum_size);
    return stored && (*stored == sum || static_cast<std::int64_t>(*stored) == signed_sum);
  }

  std::string name() const {
    std::string name(text(0, name_size));
    // GNU tar's own form has other fields in the place of the prefix.
    const bool has_prefix = std::string_view(at_byte(magic_at), magic.size()) == magic;
    const std::string_view prefix = has_prefix ? text(prefix_at, prefix_size) : std::string_view{};
    return prefix.empty() ? name : std::string(prefix) + "/" + name;
  }

  std::uint64_t size() const {
    const std::uint8_t first = block_[size_at];
    const auto size = (first & binary) != 0 ? big_endian() : octal(size_at, size_size);
    if (!size) refuse(at_, "the header holds no size where one belongs");
    return *size;
  }

 private:
  static constexpr std::size_t name_size = 100, size_at = 124, size_size = 12, sum_at = 148, sum_size = 8,
                               type_at = 156, magic_at = 257, prefix_at = 345, prefix_size = 155;
  static constexpr std::uint8_t binary = 0x80;
  static constexpr std::string_view magic{"ustar\0", 6};

  const char* at_byte(std::size_t offset) const { return reinterpret_cast<const char*>(block_.data()) + offset; }

  std::string_view text(std::size_t offset, std::size_t size) const {
    const std::string_view field(at_byte(offset), size);
    return field.substr(0, field.find('\0'));
  }

  std::optional<std::uint64_t> octal(std::size_t offset, std::size_t size) const {
    std::string_view digits = text(offset, size);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find(' '));
    std::uint64_t number = 0;
    for (const char c : digits) {
      if (c < '0' || c > '7') return std::nullopt;
      number = number * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
  }

  // A negative number has all bits set in front, and is too large.
  std::optional<std::uint64_t> big_endian() const {
    std::uint64_t number = block_[size_at] & std::uint8_t(~binary);
    for (std::size_t i = size_at + 1; i < size_at + size_size; ++i) {
      if (number >> 55 != 0) return std::nullopt;
      number = number << 8 | block_[i];
    }
    return number;
  }

  std::uint64_t at_;
  std::array<std::uint8_t, kBlock> block_;
};

// What stands before a member's own header.
struct Extension {
  std::optional<std::string> path;  // of pax
  std::optional<std::string> long_name;
  std::optional<std::uint64_t> size;
};

std::string checked_name(std::uint64_t at, std::string_view name) {
  if (name.find('\0') != std::string_view::npos) refuse(at, "the extended header has a name with a NUL byte");
  return std::string(name);
}

template <class T>
bool read_decimal(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

void take_record(std::uint64_t at, bool global, std::string_view key, std::string_view value, Extension& out) {
  if (key.starts_with("GNU.sparse.")) refuse(at, "the member is a sparse file: pack it again without --sparse");
  if (value.empty() || (key != "path" && key != "size")) return;
  if (global) refuse(at, "the global header sets the " + std::string(key) + " of all members");
  if (key == "path") {
    out.path = checked_name(at, value);
  } else {
    std::uint64_t size = 0;
    if (!read_decimal(value, size)) refuse(at, "the extended header's size is no number");
    out.size = size;
  }
}

// Records "LENGTH KEY=VALUE\n", where the length counts all of it.
void take_records(std::uint64_t at, bool global, std::string_view text, Extension& out) {
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    std::size_t length = 0;
    const bool fits = space != std::string_view::npos && read_decimal(text.substr(0, space), length) &&
                      length > space + 1 && length <= text.size() && text[length - 1] == '\n';
    const std::string_view record = fits ? text.substr(space + 1, length - space - 2) : std::string_view{};
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) refuse(at, "the extended header holds no record where one belongs");
    take_record(at, global, record.substr(0, equals), record.substr(equals + 1), out);
    text.remove_prefix(length);
  }
}

bool is_extension(char type) { return std::string_view("LKxXg").find(type) != std::string_view::npos; }

// Links, devices, folders and pipes: what their size field holds is not content.
bool has_content(char type) { return type < '1' || type > '6'; }

}  // namespace

TarCutError::TarCutError(const std::string& what, std::optional<TarMember> member)
    : DataError(what), member_(std::move(member)) {}

// One walk from a member to the next.
struct TarReader::Step {
  const std::uint64_t end;
  const Read& read;
  std::uint64_t at;
  Extension extension;

  Header header() const {
    if (end - at < kBlock) {
      throw TarCutError("cut short in the header at byte " + std::to_string(at) + shortage(kBlock, end - at), {});
    }
    return {at, read};
  }

  // The header at a place where a member may begin; nothing where the archive ends.
  std::optional<Header> first_header() const {
    if (at == end && at > 0) return std::nullopt;
    Header first = header();
    if (!first.is_zero()) return first;
    for (std::uint64_t next = at + kBlock; end - next >= kBlock; next += kBlock) {
      const Header found(next, read);
      if (found.is_zero()) continue;
      // Anything else that fills the last record means nothing.
      if (found.has_checksum()) refuse(next, "another archive follows the end of this one; pack both as one");
      break;
    }
    return std::nullopt;
  }

  void check_content(const Header& header, std::uint64_t size, const std::string& name,
                     std::optional<TarMember> member) const {
    const std::uint64_t there = end - header.data();
    if (size <= there) return;
    throw TarCutError("cut short in the member " + printable(name) + shortage(size, there), std::move(member));
  }

  void move_past(const Header& header, std::uint64_t size) {
    const std::uint64_t padding = (kBlock - size % kBlock) % kBlock;
    at = header.data() + size + std::min(padding, end - header.data() - size);
  }

  void take_extension(const Header& header) {
    const std::uint64_t size = header.size();
    if (size > kLongestExtension) refuse(header.at(), "the extended header has " + std::to_string(size) + " bytes");
    check_content(header, size, header.name(), {});
    std::string text(static_cast<std::size_t>(size), '\0');
    read(header.data(), {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (header.type() == 'L') {
      extension.long_name = text.substr(0, text.find('\0'));
    } else if (header.type() != 'K') {
      take_records(header.at(), header.type() == 'g', text, extension);
    }
    move_past(header, size);
  }

  // The first header from `found` on that is no extension; those before it are taken.
  Header member_header(Header found) {
    for (int extensions = 0;; ++extensions) {
      if (!found.has_checksum()) refuse(at, "the header's checksum is wrong");
      if (!is_extension(found.type())) return found;
      if (extensions == kMostExtensions) refuse(at, "there are too many extended headers before one member");
      take_extension(found);
      found = header();
    }
  }

  std::optional<TarMember> member(const Header& first) {
    const std::uint64_t begin = at;
    const Header found = member_header(first);
    const char type = found.type();
    if (type == 'S') refuse(found.at(), "the member is a sparse file: pack it again without --sparse");
    TarMember member{extension.path        ? *std::move(extension.path)
                     : extension.long_name ? *std::move(extension.long_name)
                                           : found.name(),
                     begin, found.data(), 0};
    if (has_content(type)) member.size = extension.size ? *extension.size : found.size();
    // Before ustar a folder was a file whose name ends so.
    const bool is_file = (type == '0' || type == '\0' || type == '7') && !member.name.ends_with('/');
    const std::optional<TarMember> file = is_file ? std::optional(member) : std::nullopt;
    check_content(found, member.size, member.name, file);
    move_past(found, member.size);
    return file;
  }
};

TarReader::TarReader(std::uint64_t size, Read read, std::uint64_t at)
    : size_(size), read_(std::move(read)), at_(std::min(at, size)) {}

std::optional<TarMember> TarReader::next() {
  for (;;) {
    Step step{size_, read_, at_, {}};
    const auto first = step.first_header();
    if (!first) return std::nullopt;
    auto found = step.member(*first);
    at_ = step.at;
    if (found) return found;
  }
}

}  // namespace dime
