// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include <dime/error.hpp>
#include <dime/file_pool.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;

class FilePoolTest : public testing::Test {
 protected:
  std::string read(const FilePool& files, std::size_t file, std::uint64_t at, std::size_t size) {
    std::string text(size, '?');
    files.read(file, at, {reinterpret_cast<std::uint8_t*>(text.data()), size});
    return text;
  }
  std::string read_problem(const FilePool& files, std::size_t file, std::uint64_t at, std::size_t size) {
    return folder_.shown(error_text<IoError>([&] { read(files, file, at, size); }));
  }

  const test::ScratchFolder folder_;
};

// The grain of file times is 10 ms at most.
void wait_for_next_tick() { std::this_thread::sleep_for(std::chrono::milliseconds(25)); }

// Lets the process have `most` descriptors, as long as it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limit{most, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(FilePoolTest, ReadsByPosition) {
  FilePool files;
  EXPECT_EQ(files.add(folder_.write("a", "0123456789")), 0U);
  EXPECT_EQ(files.add(folder_.write("b", "")), 1U);
  EXPECT_EQ(files.size(0), 10U);
  EXPECT_EQ(files.size(1), 0U);
  EXPECT_EQ(files.path(1), folder_ / "b");
  EXPECT_EQ(read(files, 0, 3, 4), "3456");
  EXPECT_EQ(read(files, 0, 10, 0), "");
  EXPECT_EQ(read(files, 1, 0, 0), "");
}

TEST_F(FilePoolTest, RefusesARangeBeyondTheEnd) {
  FilePool files;
  files.add(folder_.write("a", "0123456789"));
  const auto refusal = [&](std::uint64_t at, std::size_t size) {
    return folder_.shown(error_text<ArgumentError>([&] { read(files, 0, at, size); }));
  };
  EXPECT_EQ(refusal(8, 3), "a: bytes 8 to 11 are not within its 10");
  EXPECT_EQ(refusal(~std::uint64_t{0} - 1, 1),
            "a: bytes 18446744073709551614 to 18446744073709551615 are not within its 10");
}

TEST_F(FilePoolTest, RefusesWhatIsNoRegularFile) {
  FilePool files;
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { files.add(folder_ / "pipe"); })),
            "cannot read pipe: it is no regular file");
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { files.add(folder_ / "none"); })),
            "cannot open none: No such file or directory");
}

TEST_F(FilePoolTest, SaysWhereAFileHasChanged) {
  FilePool files;
  const auto path = folder_.write("a", "0123456789");
  files.add(path);
  EXPECT_EQ(read(files, 0, 0, 2), "01");
  std::filesystem::resize_file(path, 4);
  const std::string cut = "a has changed since it was opened (10 bytes then, 4 now): start again with it as it is now";
  EXPECT_EQ(read_problem(files, 0, 2, 6), cut);
  wait_for_next_tick();
  EXPECT_EQ(read_problem(files, 0, 0, 2), cut) << "also where the bytes are there";
}

TEST_F(FilePoolTest, SaysWhereAFileWasWrittenAnew) {
  FilePool files;
  const auto path = folder_.write("a", "0123456789");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  files.add(path);
  EXPECT_EQ(read(files, 0, 0, 2), "01");
  folder_.write("a", "abcdefghij");
  wait_for_next_tick();
  EXPECT_EQ(read_problem(files, 0, 0, 2),
            "a has changed since it was opened (it was written since): start again with it as it is now");
}

TEST_F(FilePoolTest, AFileThatIsReplacedIsReadToTheEnd) {
  FilePool files;
  const auto path = folder_.write("a", "0123456789");
  files.add(path);
  EXPECT_EQ(read(files, 0, 0, 2), "01");
  std::filesystem::rename(folder_.write("b", "abc"), path);
  EXPECT_EQ(read(files, 0, 8, 2), "89") << "the descriptor holds the old file";
}

TEST_F(FilePoolTest, NamesAFileThatIsGone) {
  FilePool files;
  const auto path = folder_.write("a", "0123456789");
  files.add(path);
  std::filesystem::remove(path);
  EXPECT_EQ(read_problem(files, 0, 0, 2), "cannot open a: No such file or directory");
}

TEST_F(FilePoolTest, ReadsMoreFilesThanMayBeOpenFromManyThreads) {
  constexpr std::size_t number = 300, threads = 8;
  FilePool files;
  for (std::size_t i = 0; i < number; ++i) files.add(folder_.write("f" + std::to_string(i), std::to_string(1000 + i)));
  const DescriptorLimit limit(64);
  FilePool few;
  for (std::size_t i = 0; i < number; ++i) few.add(files.path(i));
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (std::size_t t = 0; t < threads; ++t) {
    readers.emplace_back([&, t] {
      for (std::size_t k = 0; k < 3 * number; ++k) {
        const std::size_t i = (k * 7 + t * 31) % number;
        wrong += read(few, i, 0, 4) != std::to_string(1000 + i);
      }
    });
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(FilePoolTest, GivesDescriptorsBackWhereOthersTookThem) {
  FilePool files;
  for (int i = 0; i < 40; ++i) files.add(folder_.write("f" + std::to_string(i), std::to_string(1000 + i)));
  for (std::size_t i = 0; i < 20; ++i) read(files, i, 0, 4);
  // Less than are open: every further one is refused until the pool closes some of its own.
  const DescriptorLimit limit(16);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(read(files, i, 0, 4), std::to_string(1000 + i));
}

// A file of pages, none of which is in memory; and which of them are.
class ColdFile {
 public:
  ColdFile(const std::filesystem::path& path, std::size_t pages) : pages_(pages) {
    const int file = ::open(path.c_str(), O_RDONLY);
    ::fsync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    mapped_ = ::mmap(nullptr, bytes(pages), PROT_READ, MAP_SHARED, file, 0);
    EXPECT_NE(mapped_, MAP_FAILED);
    ::close(file);
  }
  ~ColdFile() { ::munmap(mapped_, bytes(pages_)); }
  ColdFile(const ColdFile&) = delete;
  ColdFile& operator=(const ColdFile&) = delete;

  static std::size_t bytes(std::size_t pages) { return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  /// The pages from `first` on, `count` of them, that are in memory.
  std::size_t there(std::size_t first, std::size_t count) const {
    std::vector<unsigned char> states(pages_);
    EXPECT_EQ(::mincore(mapped_, bytes(pages_), states.data()), 0);
    const auto begin = states.begin() + static_cast<std::ptrdiff_t>(first);
    return static_cast<std::size_t>(
        std::count_if(begin, begin + static_cast<std::ptrdiff_t>(count), [](unsigned char s) { return (s & 1) != 0; }));
  }

 private:
  std::size_t pages_;
  void* mapped_ = nullptr;
};

TEST_F(FilePoolTest, FetchesWhatWillBeNeededAndNothingElse) {
  constexpr std::size_t kPages = 512;
  const auto path = folder_.write("a", std::string(ColdFile::bytes(kPages), 'x'));
  const ColdFile cold(path, kPages);
  if (cold.there(0, kPages) > 0) GTEST_SKIP() << "this file system keeps its files in memory";
  FilePool files;
  files.add(path);
  files.will_need(0, ColdFile::bytes(100), ColdFile::bytes(200));
  constexpr int kTurns = 2000;  // 10 s, where a disk is that slow
  for (int i = 0; i < kTurns && cold.there(100, 200) < 200; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(cold.there(100, 200), 200U);
  EXPECT_EQ(read(files, 0, ColdFile::bytes(400), 1), "x");
  EXPECT_EQ(cold.there(0, kPages), 201U) << "the page that was read, without its neighbours";
}

TEST_F(FilePoolTest, WhatWillBeNeededEndsWithTheFile) {
  FilePool files;
  files.add(folder_.write("a", "0123456789"));
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, ~std::uint64_t{0}}) {
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{5}, ~std::uint64_t{0}}) {
      files.will_need(0, at, bytes);
    }
  }
  EXPECT_EQ(read(files, 0, 0, 10), "0123456789");
  files.add(folder_.write("b", "0"));
  std::filesystem::remove(folder_ / "b");
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { files.will_need(1, 0, 1); })),
            "cannot open b: No such file or directory");
}

}  // namespace
}  // namespace dime
