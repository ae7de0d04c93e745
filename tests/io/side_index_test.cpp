// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <numeric>
#include <optional>
#include <vector>

#include <dime/error.hpp>
#include <dime/side_index.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;
using testing::ElementsAre;

class SideIndexTest : public testing::Test {
 protected:
  // The numbers of `file`; `made_` counts how often they had to be made.
  std::vector<std::uint64_t> numbers(std::string_view kind = "test 1", const std::filesystem::path& also = {}) {
    const auto make = [&] {
      ++made_;
      return std::vector<std::uint64_t>{1, 2, static_cast<std::uint64_t>(made_)};
    };
    const SideIndex index(folder_ / "a", kind, make, also);
    return {index.numbers().begin(), index.numbers().end()};
  }
  // Sets the time of a file so that it differs from every other of this test.
  void age(std::string_view name, int hours) {
    std::filesystem::last_write_time(folder_ / name,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(hours));
  }

  const test::ScratchFolder folder_;
  int made_ = 0;
};

TEST_F(SideIndexTest, IsMadeOnce) {
  folder_.write("a", "text");
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 1));
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 1));
  EXPECT_EQ(made_, 1);
  EXPECT_THAT(folder_.names(), ElementsAre("a", "a.dimeidx"));
}

TEST_F(SideIndexTest, IsMadeAnewWhenItsFileChanges) {
  folder_.write("a", "text");
  age("a", 5);
  numbers();
  age("a", 4);
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 2)) << "another time";
  folder_.write("a", "longer text");
  age("a", 4);
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 3)) << "another size";
  EXPECT_THAT(numbers("test 2"), ElementsAre(1, 2, 4)) << "another kind";
  EXPECT_THAT(numbers("test 2"), ElementsAre(1, 2, 4));
}

TEST_F(SideIndexTest, IsMadeAnewWhenTheOtherFileChanges) {
  folder_.write("a", "text");
  const auto also = folder_.write("b", "more");
  numbers("test 1", also);
  EXPECT_THAT(numbers("test 1", also), ElementsAre(1, 2, 1));
  folder_.write("b", "more and more");
  EXPECT_THAT(numbers("test 1", also), ElementsAre(1, 2, 2));
  EXPECT_THAT(numbers("test 1"), ElementsAre(1, 2, 3)) << "without the other file";
}

TEST_F(SideIndexTest, IsMadeAnewWhenTheSideFileIsDamaged) {
  folder_.write("a", "text");
  numbers();
  const std::string whole = folder_.read("a.dimeidx");
  int made = made_;
  for (std::size_t size : {std::size_t{0}, std::size_t{71}, whole.size() - 1, whole.size() - 8}) {
    folder_.write("a.dimeidx", whole.substr(0, size));
    EXPECT_THAT(numbers(), ElementsAre(1, 2, ++made)) << size;
  }
  for (std::size_t at = 0; at < 72; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    folder_.write("a.dimeidx", damaged);
    EXPECT_THAT(numbers(), ElementsAre(1, 2, ++made)) << at;
  }
  folder_.write("a.dimeidx", whole + "12345678");
  EXPECT_THAT(numbers(), ElementsAre(1, 2, ++made));
}

TEST_F(SideIndexTest, IsHeldInMemoryWhereItCannotBeKept) {
  // A name too long for the side file stands for a folder that cannot be written, for root as well.
  const auto path = folder_.write(std::string(250, 'n'), "text");
  const SideIndex index(path, "test 1", [] { return std::vector<std::uint64_t>{7}; });
  EXPECT_THAT(index.numbers(), ElementsAre(7));
  EXPECT_THAT(folder_.names(), ElementsAre(std::string(250, 'n')));
  EXPECT_THAT(SideIndex(std::vector<std::uint64_t>{3, 4}).numbers(), ElementsAre(3, 4));
}

TEST_F(SideIndexTest, LetsErrorsThrough) {
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { numbers(); })), "cannot open a: No such file or directory");
  folder_.write("a", "text");
  const auto fail = []() -> std::vector<std::uint64_t> { throw DataError("no rows"); };
  EXPECT_EQ(error_text<DataError>([&] { SideIndex(folder_ / "a", "test 1", fail); }), "no rows");
  EXPECT_EQ(error_text<ArgumentError>([&] { numbers("a kind of more than 16 bytes"); }),
            "the kind of a side index has at most 16 bytes");
  EXPECT_THAT(folder_.names(), ElementsAre("a"));
}

TEST_F(SideIndexTest, MayBeMadeByManyProcessesAtOnce) {
  folder_.write("a", "text");
  std::vector<std::uint64_t> expected(100'000);
  std::iota(expected.begin(), expected.end(), std::uint64_t{5});
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      bool same = true;
      for (int k = 0; k < 5; ++k) {
        const SideIndex index(folder_ / "a", "test 1", [&] { return expected; });
        same = same && std::equal(expected.begin(), expected.end(), index.numbers().begin(), index.numbers().end());
        std::error_code ignored;
        std::filesystem::remove(folder_ / "a.dimeidx", ignored);
      }
      ::_exit(same ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace dime
