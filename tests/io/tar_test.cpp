// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <dime/tar.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"
#include "support/tar_files.hpp"

namespace dime {
namespace {

using test::pax_record;
using test::tar_end;
using test::tar_header;
using test::tar_member;
using testing::ElementsAre;

TarReader reader(const std::string& bytes, std::uint64_t at = 0) {
  const auto read = [&bytes](std::uint64_t from, std::span<std::uint8_t> out) {
    ASSERT_LE(from + out.size(), bytes.size());
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), out.size(), out.begin());
  };
  return {bytes.size(), read, at};
}

// "NAME=CONTENT" of each file.
std::vector<std::string> files(const std::string& bytes) {
  std::vector<std::string> all;
  auto tar = reader(bytes);
  while (const auto member = tar.next()) all.push_back(member->name + "=" + bytes.substr(member->data, member->size));
  return all;
}

std::string damage(const std::string& bytes) {
  return test::error_text<DataError>([&] { files(bytes); });
}

// A header with `text` at `offset`, and its checksum right.
std::string with(std::string header, std::size_t offset, const std::string& text) {
  return test::summed(header.replace(offset, text.size(), text));
}

TEST(Tar, FindsTheFiles) {
  const std::string bytes = tar_member("a/", "", '5') + tar_member("a/1.txt", "one") + tar_member("a/empty", "") +
                            tar_member("a/2.txt", std::string(512, '2')) + tar_end();
  EXPECT_THAT(files(bytes), ElementsAre("a/1.txt=one", "a/empty=", "a/2.txt=" + std::string(512, '2')));
}

TEST(Tar, SaysWhereAFileBeginsSoThatItIsFoundAgain) {
  const std::string bytes = tar_member("L", "long name", 'L') + tar_member("a", "one") + tar_member("b", "two");
  auto tar = reader(bytes);
  const auto first = tar.next(), second = tar.next();
  EXPECT_EQ(first->begin, 0U);
  EXPECT_EQ(first->data, 1536U);
  EXPECT_EQ(second->begin, 2048U);
  EXPECT_EQ(second->size, 3U);
  EXPECT_FALSE(tar.next());
  EXPECT_EQ(tar.next_header(), bytes.size());
  EXPECT_EQ(reader(bytes, second->begin).next()->name, "b");
  EXPECT_EQ(reader(bytes, first->begin).next()->name, "long name");
}

TEST(Tar, EndsWithABlockOfZerosOrWithItsLastMember) {
  const std::string one = tar_member("a", "1");
  EXPECT_THAT(files(one), ElementsAre("a=1"));
  EXPECT_THAT(files(one.substr(0, 513)), ElementsAre("a=1"));
  EXPECT_THAT(files(one + std::string(512, '\0')), ElementsAre("a=1"));
  EXPECT_THAT(files(one + tar_end() + std::string(600, 'x')), ElementsAre("a=1"));
  EXPECT_THAT(files(tar_end()), ElementsAre());
}

TEST(Tar, JoinsThePrefix) {
  EXPECT_THAT(files(with(tar_header("c.txt", 0), 345, "a/b")), ElementsAre("a/b/c.txt="));
  const std::string name(100, 'n'), prefix(155, 'p');
  EXPECT_THAT(files(with(tar_header(name, 0), 345, prefix)), ElementsAre(prefix + "/" + name + "="));
  // In GNU tar's own form times stand there.
  EXPECT_THAT(files(with(with(tar_header("c.txt", 0), 257, {"ustar  \0", 8}), 345, "14")), ElementsAre("c.txt="));
}

TEST(Tar, TakesLongNamesOfGnu) {
  const std::string name(300, 'n');
  EXPECT_THAT(
      files(tar_member("././@LongLink", "target", 'K') + tar_member("././@LongLink", name + std::string(1, '\0'), 'L') +
            tar_member("short", "1") + tar_member("next", "2")),
      ElementsAre(name + "=1", "next=2"));
}

TEST(Tar, TakesPaxHeaders) {
  const std::string name(300, 'n');
  const std::string header = pax_record("mtime", "12.5") + pax_record("path", name) + pax_record("size", "3");
  EXPECT_THAT(files(tar_member("g", pax_record("comment", "of git"), 'g') + tar_member("x", header, 'x') +
                    tar_header("short", 0) + test::tar_blocks("abc") + tar_member("next", "2")),
              ElementsAre(name + "=abc", "next=2"));
  EXPECT_THAT(files(tar_member("x", pax_record("path", ""), 'X') + tar_member("a", "1")), ElementsAre("a=1"));
}

TEST(Tar, TakesSizesInBinary) {
  EXPECT_THAT(files(with(tar_header("a", 0), 124, {"\x80\0\0\0\0\0\0\0\0\0\0\3", 12}) + test::tar_blocks("abc")),
              ElementsAre("a=abc"));
}

TEST(Tar, TakesOldHeaders) {
  std::string old = with(tar_header("d\xff", 1, '\0'), 257, std::string(8, '\0'));
  EXPECT_THAT(files(old + test::tar_blocks("1")), ElementsAre("d\xff=1"));
  // The checksum of signed bytes: 256 less for the one that is above 127.
  const std::size_t sum = std::strtoul(old.substr(148, 6).c_str(), nullptr, 8);
  old.replace(148, 6, test::octal(sum - 256, 6));
  EXPECT_THAT(files(old + test::tar_blocks("1")), ElementsAre("d\xff=1"));
  EXPECT_THAT(files(with(tar_header("folder/", 0, '\0'), 257, std::string(8, '\0'))), ElementsAre());
}

TEST(Tar, PassesOverWhatIsNoFile) {
  std::string bytes;
  for (const char type : {'1', '2', '3', '4', '5', '6'}) bytes += tar_header("n", 77, type);
  bytes += tar_member("volume", "content of a type that is not known", 'V') + tar_member("7", "contiguous", '7');
  EXPECT_THAT(files(bytes), ElementsAre("7=contiguous"));
}

TEST(Tar, RefusesWhatIsDamaged) {
  const std::string a = tar_member("a", "1"), at = "damaged at byte 1024: ";
  EXPECT_EQ(damage(std::string(512, 'x')), "damaged at byte 0: the header's checksum is wrong");
  EXPECT_EQ(damage(a + std::string(1, 'x') + a), at + "the header's checksum is wrong");
  EXPECT_EQ(damage(a + with(tar_header("b", 0), 124, "0000000009")), at + "the header holds no size where one belongs");
  const std::string negative(12, '\xff');
  EXPECT_EQ(damage(a + with(tar_header("b", 0), 124, negative)), at + "the header holds no size where one belongs");
  EXPECT_EQ(damage(a + tar_header("b", 0, 'S')), at + "the member is a sparse file: pack it again without --sparse");
  EXPECT_EQ(damage(a + tar_end() + a),
            "damaged at byte 2048: another archive follows the end of this one; pack both as one");
}

TEST(Tar, RefusesExtendedHeadersThatAreWrong) {
  const std::string a = tar_member("a", "1");
  const auto pax = [&](const std::string& records, char type = 'x') {
    return damage(tar_member("x", records, type) + a);
  };
  const std::string at = "damaged at byte 0: the extended header ";
  const std::string no_record = at + "holds no record where one belongs";
  EXPECT_EQ(pax("x"), no_record);
  EXPECT_EQ(pax("99 path=a\n"), no_record);
  EXPECT_EQ(pax("0 path=a\n"), no_record);
  EXPECT_EQ(pax("10 path=ab"), no_record);
  EXPECT_EQ(pax("8 pathx\n"), no_record);
  EXPECT_EQ(pax("18446744073709551616 path=a\n"), no_record);
  EXPECT_EQ(pax(pax_record("size", "-1")), "damaged at byte 0: the extended header's size is no number");
  EXPECT_EQ(pax(pax_record("path", {"a\0b", 3})), at + "has a name with a NUL byte");
  EXPECT_EQ(pax(pax_record("path", "a"), 'g'), "damaged at byte 0: the global header sets the path of all members");
  EXPECT_EQ(pax(pax_record("GNU.sparse.major", "1")),
            "damaged at byte 0: the member is a sparse file: pack it again without --sparse");
  EXPECT_EQ(damage(tar_header("x", 1048577, 'x') + a), at + "has 1048577 bytes");
  std::string many;
  for (int i = 0; i < 9; ++i) many += tar_member("L", "name", 'L');
  EXPECT_EQ(damage(many + a), "damaged at byte 8192: there are too many extended headers before one member");
  EXPECT_EQ(damage(tar_member("L", "name", 'L') + tar_end()), "damaged at byte 1024: the header's checksum is wrong");
}

std::string cut(const std::string& bytes) {
  return test::error_text<TarCutError>([&] { files(bytes); });
}

TEST(Tar, SaysWhereAnArchiveIsCutShort) {
  const std::string a = tar_member("a", "1"), b = tar_member("b\n", std::string(1000, 'b'));
  EXPECT_EQ(cut(""), "cut short in the header at byte 0 (needs 512 bytes, 0 are there)");
  EXPECT_EQ(cut(a + b.substr(0, 100)), "cut short in the header at byte 1024 (needs 512 bytes, 100 are there)");
  EXPECT_EQ(cut(a + b.substr(0, 1511)), "cut short in the member b\\x0A (needs 1000 bytes, 999 are there)");
  EXPECT_THAT(files(a + b.substr(0, 1512)), testing::SizeIs(2));
  const std::string name = tar_member("L", "name", 'L');
  EXPECT_EQ(cut(name), "cut short in the header at byte 1024 (needs 512 bytes, 0 are there)");
  EXPECT_EQ(cut(name.substr(0, 514)), "cut short in the member L (needs 4 bytes, 2 are there)");
  EXPECT_EQ(cut(with(tar_header("a", 0), 124, {"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12})),
            "cut short in the member a (needs 9223372036854775807 bytes, 0 are there)");
}

TEST(Tar, NamesTheFileThatIsCutShort) {
  const auto member = [](const std::string& bytes) {
    try {
      files(bytes);
    } catch (const TarCutError& e) {
      return e.member();
    }
    return std::optional<TarMember>(TarMember{"no error", 0, 0, 0});
  };
  const auto found = member(tar_member("a", "1") + tar_header("b", 9));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "b");
  EXPECT_EQ(found->begin, 1024U);
  EXPECT_FALSE(member(tar_header("b", 9, 'V')));
  EXPECT_FALSE(member(tar_header("b", 9).substr(0, 9)));
}

// Cut at any byte, and with any byte of a header changed, an archive is read or refused, never past its end.
TEST(Tar, SurvivesAnyCutAndAnyChangedByte) {
  const std::string bytes = tar_member("x", pax_record("path", "p") + pax_record("size", "2"), 'x') +
                            tar_member("a", "12") + tar_member("L", "name", 'L') + tar_member("b", "3") + tar_end();
  const auto try_out = [](const std::string& changed) {
    try {
      files(changed);
    } catch (const DataError&) {
    }
  };
  for (std::size_t size = 0; size <= bytes.size(); ++size) try_out(bytes.substr(0, size));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x81);
    try_out(changed);
    const std::size_t header = i / 512 * 512;
    try_out(changed.substr(0, header) + test::summed(changed.substr(header, 512)) + changed.substr(header + 512));
  }
}

class TarProgram : public testing::TestWithParam<const char*> {};

TEST_P(TarProgram, WritesWhatIsRead) {
  const test::ScratchFolder folder;
  const std::string format = GetParam();
  const std::string deep = "deep/" + std::string(90, 'd') + "/" + std::string(format == "v7" ? 1 : 90, 'e');
  for (const std::string& name : {std::string("a.txt"), std::string("b b.txt"), deep + ".txt"}) {
    folder.write(format == "v7" && name.size() > 90 ? "deep/e.txt" : name, "of " + name);
  }
  folder.write("empty", "");
  std::filesystem::create_symlink("a.txt", folder / "link");
  std::filesystem::create_hard_link(folder / "a.txt", folder / "z.txt");
  const std::string out = (folder / "out").string();
  const std::string command = "cd '" + folder.path().string() + "' && tar --sort=name --format=" + format + " -cf '" +
                              out + "' a.txt 'b b.txt' deep empty link z.txt 2>/dev/null";
  if (std::system("tar --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no tar program";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string last = format == "v7" ? "deep/e.txt" : deep + ".txt";
  EXPECT_THAT(files(folder.read("out")),
              ElementsAre("a.txt=of a.txt", "b b.txt=of b b.txt", last + "=of " + deep + ".txt", "empty="));
}

INSTANTIATE_TEST_SUITE_P(Formats, TarProgram, testing::Values("gnu", "oldgnu", "pax", "ustar", "v7"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace dime
