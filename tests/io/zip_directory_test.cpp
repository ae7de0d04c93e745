// SPDX-License-Identifier: Apache-2.0
#include "io/zip_directory.hpp"

#include <gtest/gtest.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/zip_files.hpp"

namespace dime::io {
namespace {

using test::error_text;
using test::little;
using test::zip_central;
using test::zip_end;
using test::zip_file;
using test::zip_local;
using test::ZipMember;

std::string problem(const std::string& bytes) {
  return error_text<WeightsError>([&] { ZipDirectory(bytes, "w.pt"); });
}

std::string damaged(const std::string& bytes) {
  const std::string message = problem(bytes);
  const std::string begin = "w.pt is a damaged zip archive: ";
  EXPECT_TRUE(message.starts_with(begin)) << message;
  return message.substr(std::min(begin.size(), message.size()));
}

std::string changed(std::string bytes, std::size_t at, const std::string& to) {
  return bytes.replace(at, to.size(), to);
}

TEST(ZipDirectory, FindsWhatIsStored) {
  const std::string bytes = zip_file({{"b/data/0", "12345"}, {"a", ""}, {"b/data.pkl", std::string(300, 'x'), true}});
  const ZipDirectory zip(bytes, "w.pt");
  ASSERT_EQ(zip.entries().size(), 3u);
  EXPECT_EQ(zip.entries()[0].name, "a");
  ASSERT_NE(zip.find("b/data/0"), nullptr);
  EXPECT_EQ(zip.read(*zip.find("b/data/0")), "12345");
  EXPECT_EQ(zip.read(*zip.find("a")), "");
  EXPECT_EQ(zip.read(*zip.find("b/data.pkl")), std::string(300, 'x'));
  EXPECT_EQ(zip.find("b/data/"), nullptr);
  EXPECT_TRUE(is_zip(bytes));
}

TEST(ZipDirectory, ReadsZip64) {
  const std::string bytes = zip_file({{.name = "a", .data = "12345", .large = true}, {"b", "67"}}, true);
  const ZipDirectory zip(bytes, "w.pt");
  EXPECT_EQ(zip.read(*zip.find("a")), "12345");
  EXPECT_EQ(zip.read(*zip.find("b")), "67");
}

TEST(ZipDirectory, HasAnEmptyDirectory) {
  EXPECT_TRUE(ZipDirectory(zip_end(0, 0, 0), "w.pt").entries().empty());
  EXPECT_TRUE(is_zip(zip_end(0, 0, 0)));
}

TEST(ZipDirectory, ReadsPastAComment) {
  std::string bytes = zip_file({{"a", "1"}});
  bytes = changed(bytes, bytes.size() - 2, little(7, 2)) + "comment";
  EXPECT_EQ(ZipDirectory(bytes, "w.pt").entries().size(), 1u);
}

TEST(ZipDirectory, ChecksTheCrc) {
  std::string bytes = zip_file({{"b/data/0", "12345"}});
  bytes[bytes.find("12345")] = '2';
  const ZipDirectory zip(bytes, "w.pt");
  EXPECT_EQ(error_text<WeightsError>([&] { zip.read(zip.entries()[0]); }),
            "w.pt is damaged: the bytes of its entry \"b/data/0\" do not have the CRC-32 that was stored with them");
}

// torch.serialization.set_crc32_options(False) writes 0.
TEST(ZipDirectory, TakesAMissingCrc) {
  const std::string bytes = zip_file({{.name = "a", .data = "12345", .descriptor = true, .no_crc = true}});
  const ZipDirectory zip(bytes, "w.pt");
  EXPECT_EQ(zip.read(zip.entries()[0]), "12345");
}

TEST(ZipDirectory, ReadsNothingThatIsNotStored) {
  const std::string bytes =
      zip_file({{.name = "a", .data = "12345", .method = 8}, {.name = "b", .data = "1", .flags = 1}});
  const ZipDirectory zip(bytes, "w.pt");
  EXPECT_EQ(error_text<WeightsError>([&] { zip.read(*zip.find("a")); }),
            "w.pt: entry \"a\" is compressed (method 8), and only stored entries are read; save the file again with "
            "torch.save");
  EXPECT_EQ(error_text<WeightsError>([&] { zip.read(*zip.find("b")); }),
            "w.pt: entry \"b\" is encrypted, and only stored entries are read; save the file again with torch.save");
}

TEST(ZipDirectory, RefusesABrokenEnd) {
  const std::string good = zip_file({{"a", "12345"}});
  EXPECT_EQ(damaged("PK\x03\x04"), "it has no end record (is the file cut short?)");
  EXPECT_EQ(damaged(good.substr(0, good.size() - 1)), "it has no end record (is the file cut short?)");
  EXPECT_EQ(damaged(good + "x"), "it has no end record (is the file cut short?)");
  EXPECT_EQ(damaged(changed(good, good.size() - 10, little(46, 4))),
            "its directory would have 46 bytes from byte 36, but its end record is at byte 83");
  EXPECT_EQ(damaged(changed(good, good.size() - 6, little(1000, 4))),
            "its directory would have 47 bytes from byte 1000, but its end record is at byte 83");
  EXPECT_EQ(damaged(changed(good, good.size() - 12, little(2, 2))),
            "its directory holds 1 entries, its end record says 2");
}

TEST(ZipDirectory, RefusesABrokenZip64End) {
  const std::string good = zip_file({{"a", "12345"}}, true);
  const std::size_t locator = good.size() - 42;
  EXPECT_EQ(damaged(changed(good, locator + 8, little(1, 8))), "it has no zip64 record at byte 1");
  EXPECT_EQ(damaged(changed(good, locator + 8, little(~0ull, 8))),
            "it has no zip64 record at byte 18446744073709551615");
  EXPECT_EQ(damaged(changed(good, good.size() - 12, little(7, 2))), "its two end records disagree");
}

TEST(ZipDirectory, RefusesABrokenRecord) {
  const std::string good = zip_file({{"a", "12345"}});
  EXPECT_EQ(damaged(changed(good, 36, "QK")), "its directory holds no record at byte 36");
  EXPECT_EQ(damaged(changed(good, 36 + 28, little(500, 2))),
            "its directory's record at byte 36 is longer than the directory");
  EXPECT_EQ(damaged(changed(good, 36 + 24, little(0xffffffff, 4))), "entry \"a\": its zip64 field is cut short");
}

TEST(ZipDirectory, HoldsTheHeadersAgainstEachOther) {
  const std::string good = zip_file({{"a", "12345"}});
  EXPECT_EQ(damaged(changed(good, 36 + 42, little(3, 4))), "entry \"a\": it has no local header at byte 3");
  EXPECT_EQ(damaged(changed(good, 36 + 42, little(~0u, 4))), "entry \"a\": its zip64 field is cut short");
  EXPECT_EQ(damaged(zip_file({{.name = "a", .data = "1", .local_name = "\n"}})),
            "entry \"a\": its local header names \"\\x0A\"");
  EXPECT_EQ(damaged(changed(good, 8, little(8, 2))), "entry \"a\": its local header says method 8, the directory 0");
  EXPECT_EQ(damaged(changed(good, 14, little(9, 4))),
            "entry \"a\": its local header says CRC-32 9, the directory 3421846044");
  EXPECT_EQ(damaged(changed(good, 18, little(9, 4))),
            "entry \"a\": its local header says stored size 9, the directory 5");
  EXPECT_EQ(damaged(changed(good, 22, little(9, 4))), "entry \"a\": its local header says size 9, the directory 5");
  EXPECT_EQ(damaged(changed(good, 22, little(0xffffffff, 4))),
            "entry \"a\": its local header says size (none), the directory 5");
  EXPECT_EQ(damaged(changed(good, 36 + 24, little(9, 4))), "entry \"a\": it is stored in 5 bytes, but has 9");
  EXPECT_EQ(damaged(changed(good, 36 + 20, little(5000, 4))),
            "entry \"a\": its 5000 bytes from byte 31 do not lie in the file (is it cut short?)");
}

TEST(ZipDirectory, RefusesOverlaps) {
  const ZipMember a{"a", "12345"}, b{"b", "67"};
  const std::string locals = zip_local(a) + zip_local(b);
  const std::string twice = zip_central(a, 0) + zip_central(a, 0);
  EXPECT_EQ(damaged(zip_local(a) + twice + zip_end(2, twice.size(), zip_local(a).size())),
            "entry \"a\": its data end at byte 36, but entry \"a\" begins at byte 0");
  const std::string same = zip_central(a, 0) + zip_central(a, 36);
  EXPECT_EQ(damaged(zip_local(a) + zip_local(a) + same + zip_end(2, same.size(), 72)),
            "entry \"a\": it is there twice");
  const std::string inside = zip_central(a, 0);
  EXPECT_EQ(damaged(zip_local(a).substr(0, 33) + inside + zip_end(1, inside.size(), 33)),
            "entry \"a\": its data end at byte 36, but the directory begins at byte 33");
}

TEST(ZipDirectory, RefusesEachShorterFile) {
  const std::string good = zip_file({{"a", "12345", true}, {.name = "b", .data = "67", .large = true}}, true);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(problem(good.substr(0, size)).starts_with("w.pt is a damaged zip archive: ")) << size;
  }
}

}  // namespace
}  // namespace dime::io
