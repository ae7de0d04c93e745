// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <csignal>

#include <dime/read_file.hpp>

#include "io/safetensors.hpp"
#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime::io {
namespace {

using test::error_text;
using test::ScratchFolder;
using testing::ElementsAre;

// Makes writes beyond `bytes` fail with EFBIG, as a full disk makes them fail with ENOSPC.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &old_); }

 private:
  rlimit old_{};
};

TEST(AtomicFile, TakesItsNameAtCommit) {
  const ScratchFolder folder;
  folder.write("a", "old");
  AtomicFile file(folder / "a");
  file.write("new");
  EXPECT_EQ(file.size(), 3u);
  file.finish();
  EXPECT_EQ(folder.read("a"), "old");
  file.commit();
  EXPECT_EQ(folder.read("a"), "new");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const ScratchFolder folder;
  {
    AtomicFile file(folder / "a");
    file.write(std::string(3 << 20, 'x'));
    EXPECT_EQ(folder.names().size(), 1u);
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(AtomicFile, KeepsTwoWritersOfOnePathApart) {
  const ScratchFolder folder;
  AtomicFile first(folder / "a");
  AtomicFile second(folder / "a");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(folder.read("a"), "first");
}

TEST(AtomicFile, KeepsTheOrderOfSmallAndLargeWrites) {
  const ScratchFolder folder;
  std::string expected;
  AtomicFile file(folder / "a");
  for (const std::size_t size : {10u, 1u << 20, 5u, (1u << 20) - 5, 3u << 20, 1u}) {
    const std::string part(size, static_cast<char>('a' + expected.size() % 26));
    file.write(part);
    expected += part;
  }
  file.commit();
  EXPECT_EQ(folder.read("a"), expected);
}

TEST(AtomicFile, NamesTheReasonOfAShortWriteAndLeavesNothing) {
  const ScratchFolder folder;
  folder.write("a", "old");
  const FileSizeLimit limit(1 << 20);
  AtomicFile file(folder / "a");
  const std::string path = (folder / "a").string();
  EXPECT_EQ(error_text<IoError>([&] { file.write(std::string(3 << 20, 'x')); }),
            "cannot write " + path + ": File too large");
  EXPECT_EQ(error_text<IoError>([&] { file.write("x"); }),
            "cannot write " + path + ": it is finished, or an earlier write failed");
  EXPECT_EQ(error_text<IoError>([&] { file.commit(); }), "cannot write " + path + ": an earlier write failed");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
  EXPECT_EQ(folder.read("a"), "old");
}

TEST(AtomicFile, GuardsTheWeights) {
  const ScratchFolder folder;
  const FileSizeLimit limit(1 << 20);
  const std::vector<std::uint8_t> data(3 << 20, 1);
  const TensorView tensor{"a", DType::u8, {3 << 20}, data.data(), data.size()};
  EXPECT_EQ(error_text<IoError>([&] { write_safetensors(folder / "w.safetensors", {tensor}); }),
            "cannot write " + (folder / "w.safetensors").string() + ": File too large");
  EXPECT_TRUE(folder.names().empty());
}

TEST(ReadFile, UnpacksByContent) {
  const ScratchFolder folder;
  const std::string text(3 << 20, 'x');
  folder.write("plain.gz", text);
  gzFile out = gzopen((folder / "packed").c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  const std::vector<std::uint8_t> expected(text.begin(), text.end());
  EXPECT_EQ(read_unpacked_file(folder / "plain.gz"), expected);
  EXPECT_EQ(read_unpacked_file(folder / "packed"), expected);
  EXPECT_EQ(read_file(folder / "plain.gz"), expected);
  EXPECT_LT(read_file(folder / "packed").size(), 10000u);
}

TEST(ReadFile, RefusesADamagedStream) {
  const ScratchFolder folder;
  gzFile out = gzopen((folder / "a").c_str(), "wb");
  gzputs(out, "some text that is packed");
  gzclose(out);
  std::string packed = folder.read("a");
  folder.write("short", packed.substr(0, packed.size() - 6));
  packed[packed.size() - 6] ^= 1;
  folder.write("wrong", packed);
  const std::string root = folder.path().string();
  EXPECT_EQ(error_text<DataError>([&] { read_unpacked_file(folder / "short"); }),
            root + "/short is cut short: the gzip stream has no end");
  EXPECT_EQ(error_text<DataError>([&] { read_unpacked_file(folder / "wrong"); }),
            root + "/wrong is damaged: the gzip stream does not unpack");
  EXPECT_EQ(error_text<IoError>([&] { read_unpacked_file(folder / "none"); }),
            "cannot open " + root + "/none: No such file or directory");
  EXPECT_EQ(error_text<IoError>([&] { read_unpacked_file(folder.path()); }),
            "cannot read " + root + ": Is a directory");
  EXPECT_EQ(error_text<IoError>([&] { read_file(folder.path()); }), "cannot read " + root + ": Is a directory");
}

}  // namespace
}  // namespace dime::io
