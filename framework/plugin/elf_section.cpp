// SPDX-License-Identifier: Apache-2.0
#include "plugin/elf_section.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <dime/error.hpp>

namespace dime {
namespace {

using Bytes = std::span<const std::uint8_t>;
constexpr std::uint64_t max_section = 4096;  // a stamp is one line
constexpr std::uint64_t max_file = std::uint64_t{4} << 30;

[[noreturn]] void fail(const std::string& file, const std::string& message) {
  throw PluginError(file + ": " + message);
}

[[noreturn]] void damaged(const std::string& file) {
  fail(file, "the shared library is damaged or cut short; build the plugin again");
}

/// A copy, as nothing in a foreign file is aligned.
template <class T>
T record_at(Bytes bytes, std::uint64_t offset, const std::string& file) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) damaged(file);
  T record;
  std::memcpy(&record, bytes.data() + offset, sizeof(T));
  return record;
}

Bytes part(Bytes bytes, std::uint64_t offset, std::uint64_t size, const std::string& file) {
  if (offset > bytes.size() || bytes.size() - offset < size) damaged(file);
  return bytes.subspan(offset, size);
}

Elf64_Ehdr read_header(Bytes bytes, const std::string& file) {
  if (bytes.size() < EI_NIDENT || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) {
    fail(file, "no shared library (not an ELF file)");
  }
  if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB) {
    fail(file, "a shared library for another machine (not 64-bit little-endian ELF)");
  }
  const auto header = record_at<Elf64_Ehdr>(bytes, 0, file);
  if (header.e_type != ET_DYN) fail(file, "an ELF file, but no shared library");
  return header;
}

Elf64_Shdr section_header(Bytes bytes, const Elf64_Ehdr& header, std::uint64_t i, const std::string& file) {
  if (header.e_shoff > bytes.size()) damaged(file);  // also keeps the sum below from wrapping
  return record_at<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr), file);
}

// The loader maps segments without a look at the file's length; what is cut off would end the process later.
void check_segments(Bytes bytes, const Elf64_Ehdr& header, const std::string& file) {
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr)) damaged(file);
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    if (header.e_phoff > bytes.size()) damaged(file);
    const auto segment = record_at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr), file);
    if (segment.p_type == PT_LOAD) part(bytes, segment.p_offset, segment.p_filesz, file);
  }
}

bool has_name(Bytes names, const Elf64_Shdr& section, std::string_view name) {
  if (section.sh_name >= names.size()) return false;
  const auto* start = reinterpret_cast<const char*>(names.data()) + section.sh_name;
  const std::size_t room = names.size() - section.sh_name;
  return room > name.size() && std::string_view(start, name.size()) == name && start[name.size()] == '\0';
}

/// A file mapped for the time of one look.
class MappedLibrary {
 public:
  explicit MappedLibrary(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) fail(file.string(), std::string("cannot be read: ") + std::strerror(errno));
    const std::string problem = map(fd);
    ::close(fd);
    if (!problem.empty()) fail(file.string(), problem);
  }
  MappedLibrary(const MappedLibrary&) = delete;
  MappedLibrary& operator=(const MappedLibrary&) = delete;
  ~MappedLibrary() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  Bytes bytes() const { return {static_cast<const std::uint8_t*>(data_), size_}; }

 private:
  std::string map(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::string("cannot be read: ") + std::strerror(errno);
    if (!S_ISREG(status.st_mode)) return "no shared library (not a regular file)";
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_file) return "larger than 4 GiB; no plugin is";
    if (size == 0) return "";
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return std::string("cannot be read: ") + std::strerror(errno);
    data_ = data;
    size_ = size;
    return "";
  }

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace

std::optional<std::string> elf_section(Bytes bytes, std::string_view name, const std::string& file) {
  const auto header = read_header(bytes, file);
  check_segments(bytes, header, file);
  if (header.e_shoff == 0 || header.e_shnum == 0) return std::nullopt;
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shstrndx >= header.e_shnum) damaged(file);
  const auto names_at = section_header(bytes, header, header.e_shstrndx, file);
  const Bytes names = part(bytes, names_at.sh_offset, names_at.sh_size, file);
  std::optional<std::string> found;
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section = section_header(bytes, header, i, file);
    if (section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL) continue;
    const Bytes content = part(bytes, section.sh_offset, section.sh_size, file);
    if (found || !has_name(names, section, name)) continue;
    if (content.size() > max_section) damaged(file);
    found = std::string(content.begin(), content.end());
  }
  return found;
}

std::optional<std::string> elf_section(const std::filesystem::path& file, std::string_view name) {
  const MappedLibrary library(file);
  return elf_section(library.bytes(), name, file.string());
}

}  // namespace dime
