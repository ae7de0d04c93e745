// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <random>

#include <dime/build.hpp>

#include "plugin/elf_section.hpp"
#include "plugin/fixtures.hpp"

namespace dime {
namespace {

using Bytes = std::vector<std::uint8_t>;

class ElfSection : public test::PluginFolder {
 protected:
  Bytes read(const std::filesystem::path& file) {
    const std::string text = scratch_.read(file.lexically_relative(scratch_.path()).string());
    return {text.begin(), text.end()};
  }
  static std::string refusal(const Bytes& bytes) {
    return test::error_text<PluginError>([&] { elf_section(bytes, ".dime_stamp", "x.so"); });
  }
  static Elf64_Ehdr header(const Bytes& bytes) {
    Elf64_Ehdr h;
    std::memcpy(&h, bytes.data(), sizeof h);
    return h;
  }
  static Bytes with(Bytes bytes, const Elf64_Ehdr& h) {
    std::memcpy(bytes.data(), &h, sizeof h);
    return bytes;
  }
};

TEST_F(ElfSection, FindsTheStamp) {
  const auto file = add("good", "losses/good.so");
  EXPECT_EQ(elf_section(file, ".dime_stamp"), std::string(DIME_STAMP) + '\0');
  EXPECT_EQ(elf_section(file, ".dime"), std::nullopt);
  EXPECT_EQ(elf_section(add("no_stamp", "losses/no_stamp.so"), ".dime_stamp"), std::nullopt);
}

TEST_F(ElfSection, FilesOfOtherKinds) {
  const auto said = [&](const std::filesystem::path& file) {
    return error<PluginError>([&] { elf_section(file, ".dime_stamp"); });
  };
  EXPECT_EQ(said(scratch_.write("t.so", "hello")), "P/t.so: no shared library (not an ELF file)");
  EXPECT_EQ(said(scratch_.write("e.so", "")), "P/e.so: no shared library (not an ELF file)");
  EXPECT_EQ(said(scratch_ / "gone.so"), "P/gone.so: cannot be read: No such file or directory");
  EXPECT_EQ(said(scratch_.path()), "P: no shared library (not a regular file)");
}

TEST_F(ElfSection, OtherMachinesAndPrograms) {
  const Bytes good = read(add("no_descriptor", "losses/x.so"));
  Bytes other = good;
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(refusal(other), "x.so: a shared library for another machine (not 64-bit little-endian ELF)");
  Elf64_Ehdr h = header(good);
  h.e_type = ET_EXEC;
  EXPECT_EQ(refusal(with(good, h)), "x.so: an ELF file, but no shared library");
}

TEST_F(ElfSection, HostileTables) {
  const std::string damaged = "x.so: the shared library is damaged or cut short; build the plugin again";
  const Bytes good = read(add("no_descriptor", "losses/x.so"));
  const Elf64_Ehdr h = header(good);
  for (const std::uint64_t offset :
       {good.size() - 1, good.size(), good.size() + 1, ~std::size_t{0}, ~std::size_t{0} - 63}) {
    Elf64_Ehdr bad = h;
    bad.e_shoff = offset;
    EXPECT_EQ(refusal(with(good, bad)), damaged) << offset;
  }
  Elf64_Ehdr bad = h;
  bad.e_shstrndx = h.e_shnum;
  EXPECT_EQ(refusal(with(good, bad)), damaged);
  bad = h;
  bad.e_shentsize = 1;
  EXPECT_EQ(refusal(with(good, bad)), damaged);
  bad = h;
  bad.e_shnum = 0xFFFF;
  EXPECT_EQ(refusal(with(good, bad)), damaged);
  bad = h;
  bad.e_phoff = ~std::uint64_t{0};
  EXPECT_EQ(refusal(with(good, bad)), damaged);
  EXPECT_EQ(refusal(Bytes(good.begin(), good.begin() + 40)), damaged);
}

// Under the sanitizers, any read outside of the bytes ends the test.
TEST_F(ElfSection, NoChangeOfOneByteReadsOutside) {
  const Bytes good = read(add("no_descriptor", "losses/x.so"));
  std::mt19937 random(1);
  int found = 0, refused = 0;
  for (int i = 0; i < 4000; ++i) {
    Bytes bytes = good;
    const bool in_header = i % 2 == 0;
    const std::size_t first = in_header ? 0 : header(good).e_shoff;
    const std::size_t count = in_header ? sizeof(Elf64_Ehdr) : header(good).e_shnum * sizeof(Elf64_Shdr);
    bytes[first + random() % count] = static_cast<std::uint8_t>(random());
    try {
      if (elf_section(bytes, ".dime_stamp", "x.so")) ++found;
    } catch (const PluginError&) {
      ++refused;
    }
  }
  EXPECT_GT(found, 0);
  EXPECT_GT(refused, 0);
}

// A library that is cut short must not reach the loader, which would map what is not there.
TEST_F(ElfSection, EveryCutIsRefused) {
  const Bytes good = read(add("no_descriptor", "losses/x.so"));
  for (std::size_t size = 0; size < good.size(); size += 97) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(elf_section(cut, ".dime_stamp", "x.so"), PluginError) << size;
  }
  EXPECT_THROW(elf_section(Bytes(good.begin(), good.end() - 1), ".dime_stamp", "x.so"), PluginError);
}

}  // namespace
}  // namespace dime
