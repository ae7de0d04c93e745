// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <thread>

#include <dime/error.hpp>
#include <dime/tsv.hpp>

#include "support/errors.hpp"
#include "support/scratch_folder.hpp"

namespace dime {
namespace {

using test::error_text;
using testing::ElementsAre;

std::vector<std::string> keys(const TsvShards& shards) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < shards.size(); ++i) all.emplace_back(shards.row(i).key);
  return all;
}

class Tsv : public testing::Test {
 protected:
  std::string problem(std::string_view name) {
    return folder_.shown(error_text<DataError>([&] { TsvShards shards(folder_ / name); }));
  }
  std::string io_problem(std::string_view name) {
    return folder_.shown(error_text<IoError>([&] { TsvShards shards(folder_ / name); }));
  }
  std::string row_problem(std::string_view name, std::int64_t i) {
    const TsvShards shards(folder_ / name);
    return folder_.shown(error_text<DataError>([&] { shards.row(i); }));
  }

  const test::ScratchFolder folder_;
};

TEST_F(Tsv, ReadsRowsOfOneShard) {
  folder_.write("a.tsv", "k0\tone\nk1\ttwo\tmore\tcolumns\n k2 \t three \nk3\tfour");
  const TsvShards shards(folder_ / "a.tsv");
  ASSERT_EQ(shards.size(), 4);
  EXPECT_THAT(keys(shards), ElementsAre("k0", "k1", "k2", "k3"));
  EXPECT_EQ(shards.row(0).payload, "one");
  EXPECT_EQ(shards.row(1).payload, "two");
  EXPECT_EQ(shards.row(2).payload, "three");
  EXPECT_EQ(shards.row(3).payload, "four");
  EXPECT_EQ(shards.row(3).row, 3);
  EXPECT_EQ(shards.where(2), "a.tsv:2 k2");
}

TEST_F(Tsv, ReadsShortRowsIntoRoomThatIsGiven) {
  folder_.write("a.tsv", "k0\tone\nk1\ta longer one\n");
  const TsvShards shards(folder_ / "a.tsv");
  std::array<char, 10> room{};
  const TsvRow fits = shards.row(0, room);
  EXPECT_EQ(fits.payload, "one");
  EXPECT_EQ(fits.payload.data(), room.data() + 3);
  EXPECT_EQ(fits.bytes, nullptr);
  const TsvRow owns = shards.row(1, room);
  EXPECT_EQ(owns.payload, "a longer one");
  EXPECT_NE(owns.bytes, nullptr);
  EXPECT_EQ(fits.payload, "one") << "the room is not touched by a row that does not fit";
}

TEST_F(Tsv, ToleratesCarriageReturns) {
  folder_.write("a.tsv", "k0\tone\r\nk1\ttwo\r\n");
  folder_.write("a.lineidx", "0\r\n8\r\n");
  folder_.write("a.list", "\r\na.tsv\r\n");
  const TsvShards shards(folder_ / "a.list");
  EXPECT_EQ(shards.row(0).payload, "one");
  EXPECT_EQ(shards.row(1).payload, "two");
}

TEST_F(Tsv, JoinsShardsInTheOrderListed) {
  folder_.write("b.tsv", "b0\tx\nb1\tx\n");
  folder_.write("sub/a.tsv", "a0\tx\n");
  folder_.write("all.list", "b.tsv\n\n  sub/a.tsv\nb.tsv");
  const TsvShards shards(folder_ / "all.list");
  EXPECT_THAT(keys(shards), ElementsAre("b0", "b1", "a0", "b0", "b1"));
  EXPECT_EQ(shards.where(2), "sub/a.tsv:0 a0");
  EXPECT_EQ(shards.row(4).row, 1);
}

TEST_F(Tsv, JoinsPathsToTheRoot) {
  folder_.write("data/a.tsv", "a0\tx\n");
  folder_.write("lists/all.list", "a.tsv\n");
  EXPECT_EQ(TsvShards(folder_ / "lists/all.list", folder_ / "data").size(), 1);
  EXPECT_EQ(problem("lists/all.list"), "lists/all.list:1: cannot open lists/a.tsv: No such file or directory");
}

TEST_F(Tsv, MakesTheIndexOnce) {
  folder_.write("a.tsv", "k0\tone\nk1\ttwo");
  TsvShards(folder_ / "a.tsv");
  EXPECT_EQ(folder_.read("a.lineidx"), "0\n7\n");
  EXPECT_THAT(folder_.names(), ElementsAre("a.lineidx", "a.tsv"));
}

TEST_F(Tsv, KeepsTheIndexInMemoryWhereItCannotBeWritten) {
  // A path that is too long for the index's temporary name stands for a folder that cannot be written, for root as
  // well.
  const std::string name = std::string(245, 'n') + ".tsv";
  folder_.write(name, "k0\tone\nk1\ttwo");
  const TsvShards shards(folder_ / name);
  EXPECT_THAT(keys(shards), ElementsAre("k0", "k1"));
  EXPECT_EQ(folder_.names(), std::set<std::string>{name});
}

TEST_F(Tsv, KeepsTheRowsOfTheLineList) {
  folder_.write("a.tsv", "k0\tx\nk1\tx\nk2\tx\nk3\tx\n");
  folder_.write("a.linelist", "3\n1\n");
  const TsvShards shards(folder_ / "a.tsv");
  EXPECT_THAT(keys(shards), ElementsAre("k1", "k3"));
  EXPECT_EQ(shards.where(1), "a.tsv:3 k3");
}

// What is fetched is shown by FilePool's tests; here that any rows may be named, whatever the index says.
TEST_F(Tsv, FetchesRowsThroughShardsAndLineLists) {
  folder_.write("a.tsv", "k0\tx\nk1\tx\nk2\tx\nk3\tx\n");
  folder_.write("a.linelist", "3\n1\n");
  folder_.write("b.tsv", "b0\tx\nb1\tx\nb2\tx\n");
  folder_.write("b.lineidx", "0\n9\n10\n");
  folder_.write("all.list", "a.tsv\nb.tsv\na.tsv\n");
  const TsvShards shards(folder_ / "all.list");
  for (std::int64_t first = 0; first < 7; ++first) {
    for (std::int64_t count = 0; first + count <= 7; ++count) shards.will_need(first, count);
  }
  EXPECT_EQ(shards.row(6).key, "k3");
  EXPECT_EQ(error_text<ArgumentError>([&] { shards.will_need(6, 2); }),
            "there is no row 7: the shards have rows 0 to 6");
}

TEST_F(Tsv, ChecksTheLineList) {
  folder_.write("a.tsv", "k0\tx\nk1\tx\n");
  folder_.write("a.linelist", "0\n2\n");
  EXPECT_EQ(problem("a.tsv"), "a.linelist:2: there is no row 2: the shard has rows 0 to 1");
  folder_.write("a.linelist", "0\n-1\n");
  EXPECT_EQ(problem("a.tsv"), "a.linelist:2: \"-1\" is no row number; one number from 0 a line is needed");
  folder_.write("a.linelist", "");
  EXPECT_EQ(problem("a.tsv"), "a.linelist keeps no row; take its shard out of the list, or delete this file");
}

TEST_F(Tsv, NamesWhatIsMissingOrEmpty) {
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { TsvShards(folder_ / "none.list"); })),
            "cannot open none.list: No such file or directory");
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { TsvShards(folder_ / "none.tsv"); })),
            "cannot open none.tsv: No such file or directory");
  folder_.write("two.list", "\na.tsv\nb.tsv\n");
  folder_.write("a.tsv", "k\tx\n");
  EXPECT_EQ(problem("two.list"), "two.list:3: cannot open b.tsv: No such file or directory");
  folder_.write("b.tsv", "");
  EXPECT_EQ(problem("two.list"), "two.list:3: the shard b.tsv is empty");
  EXPECT_EQ(problem("b.tsv"), "the shard b.tsv is empty");
  folder_.write("blank.list", "\n \n");
  EXPECT_EQ(problem("blank.list"), "blank.list lists no shard; put one .tsv file on each line");
  EXPECT_EQ(problem("a.txt"), "a.txt is neither a .list of shards nor a .tsv shard");
}

TEST_F(Tsv, RefusesWhatIsNoRegularFile) {
  folder_.write("a.tsv", "k\tx\n");
  folder_.write("a.list", "a.tsv\npipe.tsv\n");
  ASSERT_EQ(mkfifo((folder_ / "pipe.tsv").c_str(), 0600), 0);
  EXPECT_EQ(problem("a.list"), "a.list:2: cannot read pipe.tsv: it is no regular file");
  ASSERT_EQ(mkfifo((folder_ / "pipe.list").c_str(), 0600), 0);
  EXPECT_EQ(io_problem("pipe.list"), "cannot read pipe.list: it is no regular file");
  folder_.write("b.tsv", "k\tx\n");
  ASSERT_EQ(mkfifo((folder_ / "b.lineidx").c_str(), 0600), 0);
  EXPECT_EQ(io_problem("b.tsv"), "cannot read b.lineidx: it is no regular file");
}

TEST_F(Tsv, NamesALinkThatLeadsToItself) {
  folder_.write("a.tsv", "k\tx\n");
  std::filesystem::create_symlink("a.lineidx", folder_ / "a.lineidx");
  EXPECT_EQ(io_problem("a.tsv"), "cannot read a.lineidx: Too many levels of symbolic links");
  std::filesystem::remove(folder_ / "a.lineidx");
  std::filesystem::create_symlink("a.linelist", folder_ / "a.linelist");
  EXPECT_EQ(io_problem("a.tsv"), "cannot read a.linelist: Too many levels of symbolic links");
}

TEST_F(Tsv, ANameTooLongForAnIndexHasNone) {
  const std::string name = std::string(250, 'n') + ".tsv";
  folder_.write(name, "k0\tone\nk1\ttwo");
  EXPECT_THAT(keys(TsvShards(folder_ / name)), ElementsAre("k0", "k1"));
}

TEST_F(Tsv, RefusesANulInAList) {
  folder_.write("a.tsv", "k\tx\n");
  folder_.write("a.list", std::string_view("\na.tsv\0junk\n", 12));
  EXPECT_EQ(problem("a.list"), "a.list:2: \"a.tsv\\x00junk\" holds a NUL byte, which no file name can");
}

TEST_F(Tsv, PlacesARowOnOneLine) {
  folder_.write("a.tsv", std::string_view("a\0b\x1b[1m\tx\nno tab\n", 17));
  const TsvShards shards(folder_ / "a.tsv");
  EXPECT_EQ(shards.row(0).key, std::string_view("a\0b\x1b[1m", 7));
  EXPECT_EQ(shards.where(0), "a.tsv:0 a\\x00b\\x1B[1m");
  EXPECT_EQ(shards.where(1), "a.tsv:1") << "a broken row has its place";
  folder_.write("b.tsv", std::string(100000, 'k') + "\tx\n");
  EXPECT_EQ(TsvShards(folder_ / "b.tsv").where(0), "b.tsv:0 " + std::string(200, 'k') + "…");
}

TEST_F(Tsv, ChecksTheIndexWhenItIsRead) {
  folder_.write("a.tsv", "k0\tx\nk1\tx\nk2\tx\n");  // rows at 0, 5, 10; 15 bytes
  const auto problem_of = [&](std::string_view index) {
    folder_.write("a.lineidx", index);
    const std::string message = problem("a.tsv");
    const std::string begin = "a.tsv does not fit its index: a.lineidx:";
    const std::string end = "; delete the index to have it made anew";
    EXPECT_TRUE(message.starts_with(begin) && message.ends_with(end)) << message;
    return message.substr(begin.size(), message.size() - begin.size() - end.size());
  };
  EXPECT_EQ(problem_of("0\n5\n"), "2: the index ends here, but the shard has more rows after offset 5");
  EXPECT_EQ(problem_of("0\n5\n10\n15\n"), "4: offset 15 lies beyond the 15 bytes of the shard");
  EXPECT_EQ(problem_of("0\n5\n12\n"), "3: offset 12 is not the start of a row");
  EXPECT_EQ(problem_of("0\n10\n5\n"), "3: offset 5 does not come after 10");
  EXPECT_EQ(problem_of("0\n5\n5\n"), "3: offset 5 does not come after 5");
  EXPECT_EQ(problem_of("1\n5\n10\n"), "1: the first offset is 1, not 0");
  EXPECT_EQ(problem_of("0\n5x\n10\n"), "2: \"5x\" is no byte offset");
  EXPECT_EQ(problem_of("0\n\n10\n"), "2: \"\" is no byte offset");
  EXPECT_EQ(problem_of("0\n99999999999999999999999\n"), "2: \"99999999999999999999999\" is no byte offset");
  EXPECT_EQ(problem_of(""), "1: the index is empty");
}

TEST_F(Tsv, ChecksTheIndexAtEachRow) {
  folder_.write("a.tsv", "k0\tx\nk1\tx\nk2\tx\n");
  folder_.write("a.lineidx", "0\n6\n10\n");
  EXPECT_EQ(row_problem("a.tsv", 1),
            "a.tsv does not fit its index: a.lineidx:2: offset 6 is not the start of a row; delete the index to have "
            "it made anew");
  folder_.write("a.lineidx", "0\n10\n");
  EXPECT_EQ(row_problem("a.tsv", 0),
            "a.tsv does not fit its index: a.lineidx:1: the row at offset 0 does not end at the next offset; delete "
            "the index to have "
            "it made anew");
}

// Row i of a shard: a key and a payload that only it has.
std::string key_of(std::int64_t i) { return std::string("k").append(std::to_string(i)); }
std::string payload_of(std::int64_t i) {
  return std::string(static_cast<std::size_t>(i % 97 + 1), static_cast<char>('a' + i % 26));
}

// A shard of `rows` rows, enough for its index to be kept in a side file.
std::string long_shard(std::int64_t rows) {
  std::string content;
  for (std::int64_t i = 0; i < rows; ++i) content.append(key_of(i)).append("\t").append(payload_of(i)).append("\n");
  return content;
}

TEST_F(Tsv, KeepsALongIndexInASideFile) {
  constexpr std::int64_t rows = 20'000;
  folder_.write("a.tsv", long_shard(rows));
  TsvShards(folder_ / "a.tsv");
  EXPECT_THAT(folder_.names(), ElementsAre("a.lineidx", "a.tsv", "a.tsv.dimeidx"));
  // The same size and time: the text is not read again.
  const auto index = folder_ / "a.lineidx";
  const auto time = std::filesystem::last_write_time(index);
  const std::string text = folder_.read("a.lineidx");
  folder_.write("a.lineidx", std::string(text.size(), 'x'));
  std::filesystem::last_write_time(index, time);
  const TsvShards shards(folder_ / "a.tsv");
  ASSERT_EQ(shards.size(), rows);
  for (const std::int64_t i : {std::int64_t{0}, std::int64_t{1}, rows / 2, rows - 1}) {
    EXPECT_EQ(shards.row(i).key, key_of(i));
    EXPECT_EQ(shards.row(i).payload, payload_of(i));
  }
  std::filesystem::last_write_time(index, time + std::chrono::seconds(1));
  EXPECT_EQ(problem("a.tsv").substr(0, 52), "a.tsv does not fit its index: a.lineidx:1: \"xxxxxxxx")
      << "now it is read";
}

TEST_F(Tsv, NeverTrustsASideFile) {
  constexpr std::int64_t rows = 20'000;
  folder_.write("a.tsv", long_shard(rows));
  TsvShards(folder_ / "a.tsv");
  const std::string whole = folder_.read("a.tsv.dimeidx");
  for (const char garbage : {'\x00', '\x01', '\xff'}) {
    std::string damaged = whole;
    std::fill(damaged.begin() + 72 + 8 * 100, damaged.end(), garbage);
    folder_.write("a.tsv.dimeidx", damaged);
    const TsvShards shards(folder_ / "a.tsv");
    EXPECT_EQ(shards.row(50).key, key_of(50));
    for (std::int64_t i = 99; i < rows; i += 997) {
      const std::string message = folder_.shown(error_text<DataError>([&] { shards.row(i); }));
      EXPECT_TRUE(message.starts_with("a.tsv does not fit its index: a.lineidx:" + std::to_string(i + 1) + ": "))
          << message;
    }
  }
}

TEST_F(Tsv, ARowOfAShardThatChangedIsBroken) {
  const auto path = folder_.write("a.tsv", "k0\tone\nk1\ttwo\n");
  const TsvShards shards(folder_ / "a.tsv");
  std::filesystem::resize_file(path, 5);
  EXPECT_EQ(folder_.shown(error_text<RowError>([&] { shards.row(1); })),
            "a.tsv:1: a.tsv has changed since it was opened (14 bytes then, 5 now): start again with it as it is now");
  EXPECT_EQ(shards.where(1), "a.tsv:1");
}

TEST_F(Tsv, NamesABrokenRow) {
  folder_.write("a.tsv", "k0\tx\nno tab\n\nk3\t\n\tx\n");
  const TsvShards shards(folder_ / "a.tsv");
  EXPECT_EQ(error_text<RowError>([&] { shards.row(1); }), "a.tsv:1: the row has no tab between key and payload");
  EXPECT_EQ(error_text<RowError>([&] { shards.row(2); }), "a.tsv:2: the row has no tab between key and payload");
  EXPECT_EQ(shards.row(3).payload, "");
  EXPECT_EQ(shards.where(4), "a.tsv:4");
  EXPECT_EQ(error_text<ArgumentError>([&] { shards.row(5); }), "there is no row 5: the shards have rows 0 to 4");
  EXPECT_EQ(error_text<ArgumentError>([&] { shards.row(-1); }), "there is no row -1: the shards have rows 0 to 4");
}

TEST_F(Tsv, IsReadFromManyThreads) {
  folder_.write("a.tsv", long_shard(5000));
  const TsvShards shards(folder_ / "a.tsv");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t i = t; i < shards.size(); i += 3) {
        const TsvRow row = shards.row(i);
        wrong += row.key != key_of(i) || row.payload != payload_of(i);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Tsv, WriterMakesWhatTheReaderReads) {
  TsvWriter writer(folder_ / "out/x", {.rows_per_shard = 2});
  writer.add("k0", "plain text");
  const std::vector<std::uint8_t> bytes = {'f', 'o'};
  writer.add_base64("k1", bytes);
  writer.add("k2", "{\"captions\": \"a b\"}");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/x-0.tsv"));
  writer.close();
  writer.close();
  EXPECT_EQ(writer.size(), 3);
  EXPECT_EQ(folder_.read("out/x-0.tsv"), "k0\tplain text\nk1\tZm8=\n");
  EXPECT_EQ(folder_.read("out/x-0.lineidx"), "0\n14\n");
  EXPECT_EQ(folder_.read("out/x-1.lineidx"), "0\n");
  EXPECT_EQ(folder_.read("out/x.list"), "x-0.tsv\nx-1.tsv\n");
  const TsvShards shards(folder_ / "out/x.list");
  EXPECT_THAT(keys(shards), ElementsAre("k0", "k1", "k2"));
  EXPECT_EQ(shards.row(1).payload, "Zm8=");
}

TEST_F(Tsv, WriterLeavesNothingWithoutClose) {
  {
    TsvWriter writer(folder_ / "x", {.rows_per_shard = 1});
    writer.add("k0", "a");
    writer.add("k1", "b");
  }
  EXPECT_THAT(folder_.names(), ElementsAre());
}

TEST_F(Tsv, WriterRefusesWhatWouldNotComeBack) {
  TsvWriter writer(folder_ / "x");
  const auto refusal = [&](std::string_view key, std::string_view payload) {
    return error_text<ArgumentError>([&] { writer.add(key, payload); });
  };
  EXPECT_EQ(refusal("a\tb", "x"),
            "row 0: the key \"a\\x09b\" holds a tab or a line break, which a TSV row cannot: rename it");
  EXPECT_EQ(refusal(" a", "x"), "row 0: the key \" a\" has white space around it, which a reader strips: rename it");
  EXPECT_EQ(refusal("a", "x\ny"), "row 0: the payload holds a tab or a line break, which a TSV row cannot");
  EXPECT_EQ(refusal("", "x"), "row 0: the key is empty");
  EXPECT_EQ(refusal("a", ""), "row 0: the payload is empty");
  EXPECT_EQ(refusal("a", "x "), "row 0: the payload has white space around it, which a reader strips");
  EXPECT_EQ(folder_.shown(error_text<ArgumentError>([&] { writer.close(); })),
            "nothing to write to x.list: no row was added");
  writer.add("a", "x");
  writer.close();
  EXPECT_EQ(folder_.shown(refusal("b", "x")), "row 1: the writer of x is closed");
  EXPECT_EQ(error_text<ArgumentError>([&] { TsvWriter(folder_ / "y", {.rows_per_shard = 0}); }),
            "rows_per_shard must be at least 1, got 0");
}

TEST_F(Tsv, WriterOverwritesOnlyWhenAsked) {
  folder_.write("x.list", "x-0.tsv\nx-1.tsv\n");
  folder_.write("x-0.tsv", "old\told\nold\told\n");
  folder_.write("x-0.linelist", "1\n");
  folder_.write("x-1.tsv", "old\told\n");
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { TsvWriter(folder_ / "x"); })),
            "cannot write x.list: it exists; remove it, or choose another stem");
  TsvWriter writer(folder_ / "x", {.overwrite = true});
  writer.add("new", "new");
  EXPECT_EQ(folder_.read("x-0.tsv"), "old\told\nold\told\n");
  writer.close();
  EXPECT_THAT(folder_.names(), ElementsAre("x-0.lineidx", "x-0.tsv", "x.list"));
  EXPECT_THAT(keys(TsvShards(folder_ / "x.list")), ElementsAre("new"));
}

TEST_F(Tsv, WriterNeedsAName) {
  EXPECT_EQ(error_text<ArgumentError>([] { TsvWriter(""); }),
            "the stem \"\" names no file: it needs a name after the last \"/\"");
  EXPECT_EQ(folder_.shown(error_text<ArgumentError>([&] { TsvWriter(folder_ / "out/"); })),
            "the stem \"out/\" names no file: it needs a name after the last \"/\"");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(Tsv, WriterNamesTheFolderItCannotWrite) {
  folder_.write("file", "x");
  EXPECT_EQ(folder_.shown(error_text<IoError>([&] { TsvWriter(folder_ / "file/x"); })),
            "cannot make the folder file: Not a directory");
}

}  // namespace
}  // namespace dime
