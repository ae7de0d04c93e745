// SPDX-License-Identifier: Apache-2.0
#include <dime/read_file.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <dime/error.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using Bytes = std::vector<std::uint8_t>;

class ReadFile : public testing::Test {
 protected:
  std::string problem(std::string_view name) {
    return folder_.shown(test::error_text<IoError>([&] { read_file(folder_ / name); }));
  }
  std::string unpacked_problem(std::string_view name) {
    return folder_.shown(test::error_text<IoError>([&] { read_unpacked_file(folder_ / name); }));
  }

  const test::ScratchFolder folder_;
};

TEST_F(ReadFile, GivesTheBytesPackedOrNot) {
  folder_.write("plain", "abc");
  gzFile out = gzopen((folder_ / "packed").c_str(), "wb");
  gzputs(out, "abc");
  gzclose(out);
  EXPECT_EQ(read_file(folder_ / "plain"), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(read_unpacked_file(folder_ / "plain"), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(read_unpacked_file(folder_ / "packed"), (Bytes{'a', 'b', 'c'}));
}

TEST_F(ReadFile, UnpacksNoMoreThanAsked) {
  gzFile out = gzopen((folder_ / "packed").c_str(), "wb");
  gzputs(out, "abc");
  gzclose(out);
  EXPECT_EQ(read_unpacked_file(folder_ / "packed", 3), (Bytes{'a', 'b', 'c'}));
  EXPECT_EQ(folder_.shown(test::error_text<DataError>([&] { read_unpacked_file(folder_ / "packed", 2); })),
            "packed is too large: it holds more than 2 bytes");
}

TEST_F(ReadFile, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(folder_ / "folder");
  std::filesystem::create_symlink("loop", folder_ / "loop");
  const std::pair<const char*, const char*> refusals[] = {
      {"pipe", "cannot read pipe: it is no regular file"},
      {"folder", "cannot read folder: Is a directory"},
      {"loop", "cannot open loop: Too many levels of symbolic links"},
      {"none", "cannot open none: No such file or directory"},
      {"two\nlines", "cannot open two\\x0Alines: No such file or directory"},
  };
  for (const auto& [name, message] : refusals) {
    EXPECT_EQ(problem(name), message);
    EXPECT_EQ(unpacked_problem(name), message);
  }
}

}  // namespace
}  // namespace dime
