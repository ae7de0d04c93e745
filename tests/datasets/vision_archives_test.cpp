// SPDX-License-Identifier: Apache-2.0
// The archives of vision_datasets: damaged ones, ones that change, and many at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>
#include <utility>

#include "datasets/zip_files.hpp"
#include "support/datasets.hpp"

namespace dime::test {
namespace {

constexpr const char* kName = "[dataset/vision_datasets] ";

class VisionArchives : public DatasetTest {
 protected:
  VisionArchives() : DatasetTest("vision_datasets") { folder_.write("i.txt", "a.zip@x.jpg 0\n"); }

  std::shared_ptr<Dataset> open() const { return make({{"index", path("i.txt")}}); }
  std::string refusal() const { return source_error({{"index", path("i.txt")}}); }

  /// The bytes of an archive of one member x.jpg, 100,000 bytes long.
  std::string archive(zip_int32_t method = ZIP_CM_DEFLATE) const {
    std::string bytes;
    for (std::uint32_t i = 0, x = 1; i < 100000; ++i)
      bytes.push_back(static_cast<char>((x = x * 1664525 + 1013904223) >> 28));
    write_zip(folder_ / "whole.zip", {{"x.jpg", bytes, method}});
    return folder_.read("whole.zip");
  }
  std::string error_of(const std::string& zip) const {
    folder_.write("a.zip", zip);
    return row_error(*open(), 0);
  }
};

TEST_F(VisionArchives, RefusesAMemberThatIsDamaged) {
  const std::string deflated = archive(), stored = archive(ZIP_CM_STORE), row = std::string(kName) + "a.zip@x.jpg: ";
  const std::size_t middle = deflated.size() / 2;
  EXPECT_EQ(error_of(with_field(deflated, kChecksum, 7)), row + "its checksum is wrong");
  std::string changed = stored;
  changed[middle] ^= 1;
  EXPECT_EQ(error_of(changed), row + "its checksum is wrong");
  changed = deflated;
  changed[35] = '\xff';  // the first byte after the header and the name: a block of no known type
  EXPECT_EQ(error_of(changed), row + "its bytes do not inflate: the archive is damaged");
}

TEST_F(VisionArchives, RefusesAMemberThatIsNotRead) {
  const std::string deflated = archive(), row = std::string(kName) + "a.zip@x.jpg: ";
  EXPECT_EQ(error_of(with_field(deflated, kFlags, 1)), row + "it is encrypted");
  EXPECT_EQ(error_of(with_field(deflated, kMethod, ZIP_CM_BZIP2)),
            row + "it is compressed by method 12; only stored and deflated members are read");
  EXPECT_EQ(error_of(with_field(deflated, kMethod, ZIP_CM_LZMA)),
            row + "it is compressed by method 14; only stored and deflated members are read");
  EXPECT_EQ(error_of(with_field(deflated, kSize, 1U << 30 | 1)),
            row + "it has 1073741825 bytes, more than the 1073741824 that are read");
  EXPECT_EQ(error_of(with_field(deflated, kSize, 99999)),
            row + "it inflates to more than the 99999 bytes that the directory states");
  EXPECT_EQ(error_of(with_field(deflated, kSize, 1 << 30)),
            row + "it does not fit the archive's directory: the archive is damaged");
}

TEST_F(VisionArchives, RefusesAnArchiveThatIsNone) {
  const std::string zip = archive(), place = std::string(kName) + "i.txt:1: ";
  EXPECT_EQ(refusal(), place + "cannot open a.zip: No such file or directory");
  folder_.write("a.zip", "");
  EXPECT_EQ(refusal(), place + "a.zip is empty");
  const std::string none = "a.zip is no zip archive, or is cut short: the directory at its end is missing";
  folder_.write("a.zip", zip.substr(0, zip.size() / 2));
  EXPECT_EQ(refusal(), place + none);
  folder_.write("a.zip", "hello");
  EXPECT_EQ(refusal(), place + none);
  std::filesystem::remove(folder_ / "a.zip");
  ASSERT_EQ(::mkfifo((folder_ / "a.zip").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), place + "cannot read a.zip: it is no regular file");
  std::filesystem::remove(folder_ / "a.zip");
  std::filesystem::create_directory(folder_ / "a.zip");
  EXPECT_EQ(refusal(), place + "cannot read a.zip: Is a directory");
}

TEST_F(VisionArchives, NamesTheLineThatNamesAnArchiveFirst) {
  folder_.write("a.zip", archive());
  folder_.write("i.txt", "a.zip@x.jpg 0\na.zip@y.jpg 0\n\nb.zip@x.jpg 1\nb.zip@y.jpg 1\n");
  EXPECT_EQ(refusal(), std::string(kName) + "i.txt:4: cannot open b.zip: No such file or directory");
}

TEST_F(VisionArchives, ARowOfAnArchiveThatIsCutMeanwhileIsBroken) {
  folder_.write("a.zip", archive(ZIP_CM_STORE));
  const auto data = open();
  EXPECT_EQ(data->get(0).image.size(), 100000U);
  std::filesystem::resize_file(folder_ / "a.zip", 50000);
  EXPECT_EQ(folder_.shown(error_text<RowError>([&] { data->get(0); })),
            std::string(kName) + "a.zip@x.jpg: a.zip has changed since it was opened; start again");
}

/// More archives than are open at once: archive I holds the member x.jpg with the bytes of its number.
class ManyArchives : public VisionArchives {
 protected:
  static constexpr std::int64_t kArchives = 70;

  ManyArchives() {
    std::string lines;
    for (std::int64_t i = 0; i < kArchives; ++i) {
      const std::string n = std::to_string(i);
      write_zip(folder_ / (n + ".zip"), {{"x.jpg", bytes_of(i)}});
      lines += n + ".zip@x.jpg 0\n";
    }
    folder_.write("i.txt", lines);
  }

  static std::string bytes_of(std::int64_t i) { return "archive " + std::to_string(i); }
  static std::int64_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator{});
  }
};

/// While it lives, the process may have `most` descriptors, or as many as the system lets it.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    now_.rlim_cur = std::min(most, before_.rlim_max);
    now_.rlim_max = before_.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &now_);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  rlim_t most() const { return now_.rlim_cur; }

 private:
  struct rlimit before_ {};
  struct rlimit now_ {};
};

TEST_F(ManyArchives, AreOpenWithinBounds) {
  for (const rlim_t most : {600, 240}) {
    const DescriptorLimit limit(most);
    const std::int64_t before = descriptors();
    const auto data = open();
    const auto open_at_once = static_cast<std::int64_t>(std::min<rlim_t>(limit.most() / 8, 64));
    EXPECT_EQ(descriptors() - before, open_at_once);
    for (std::int64_t i = 0; i < kArchives; ++i) EXPECT_EQ(data->get(i).image.size(), bytes_of(i).size());
    EXPECT_EQ(descriptors() - before, open_at_once);
  }
}

TEST_F(ManyArchives, AreReadFromManyThreads) {
  const DescriptorLimit limit(64);  // 8 archives for 12 threads
  const auto data = open();
  constexpr int threads = 12, rounds = 300;
  std::atomic<int> right{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int k = 0; k < rounds; ++k) {
        // All read archive 0 at once, then each goes its own way.
        const std::int64_t i = k < rounds / 2 ? 0 : (std::int64_t{t} * 17 + k) % kArchives;
        const Row row = data->get(i);
        if (std::string(row.image.begin(), row.image.end()) == bytes_of(i)) ++right;
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(right, threads * rounds);
}

TEST_F(ManyArchives, ARowOfAnotherArchiveOfTheSameNameIsBroken) {
  const DescriptorLimit limit(64);  // 8 archives: a place that a failure kept would be missed
  const auto data = open();
  write_zip(folder_ / "new.zip", {{"x.jpg", "another"}});
  std::filesystem::rename(folder_ / "new.zip", folder_ / "0.zip");
  EXPECT_EQ(folder_.shown(error_text<RowError>([&] { data->get(0); })),
            std::string(kName) + "0.zip@x.jpg: 0.zip has changed since it was opened; start again");
  std::filesystem::remove(folder_ / "0.zip");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(folder_.shown(error_text<RowError>([&] { data->get(0); })),
              std::string(kName) + "0.zip@x.jpg: cannot open 0.zip: No such file or directory");
  }
  EXPECT_EQ(data->get(1).image.size(), bytes_of(1).size());
}

}  // namespace
}  // namespace dime::test
