// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "support/datasets.hpp"
#include "support/tar_files.hpp"

namespace dime {
namespace {

using test::strings;
using test::tar_end;
using test::tar_header;
using test::tar_member;
using testing::ElementsAre;

// A .npy file of float32.
std::string npy(const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }";
  header.resize(117, ' ');
  std::string bytes("\x93NUMPY\1\0\x76\0", 10);
  bytes += header + "\n";
  return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// An image and its text.
std::string pair(const std::string& key) {
  return tar_member(key + ".jpg", "image " + key) + tar_member(key + ".txt", "text " + key + "\n");
}

class Webdataset : public test::DatasetTest {
 protected:
  Webdataset() : DatasetTest("webdataset") {}

  Value list(const std::string& name) const { return test::options({{"shards", path(name)}}); }
  /// The source of the one shard a.tar.
  std::shared_ptr<Dataset> shard(const std::string& bytes) const {
    folder_.write("a.tar", bytes);
    return make(list("a.tar"));
  }
  std::string refusal(const std::string& bytes) const {
    folder_.write("a.tar", bytes);
    return source_error(list("a.tar"));
  }
  static std::vector<std::string> keys(const Dataset& data) {
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).key);
    return all;
  }
  /// The whole DataError of row i that is no RowError: another row in its place would hide it.
  std::string data_error(const Dataset& data, std::int64_t i) const {
    try {
      data.get(i);
    } catch (const RowError&) {
      return "a RowError";
    } catch (const DataError& e) {
      return folder_.shown(e.what());
    }
    return "no error";
  }
};

TEST_F(Webdataset, GivesAllPartsOfASample) {
  folder_.write("a.tar", tar_member("a/", "", '5') + tar_member("a/001.jpg", "image") +
                             tar_member("a/001.txt", " a cat \n") + tar_member("a/001.cls", "7\n") +
                             tar_member("a/001.npy", npy({1, -2})) + tar_member("a/002.npy", npy({3, 4})) +
                             tar_member("a/002.cls", "0") + tar_member("a/002.png", "other") +
                             tar_member("a/002.caption", "a dog") + tar_end());
  Value value = list("a.tar");
  value.set("vector", Value::scalar("npy"));
  const auto data = make(value);
  ASSERT_EQ(data->size(), 2);
  EXPECT_TRUE(data->info().image && data->info().text && data->info().label);
  EXPECT_EQ(data->info().vector_width, 2);
  const Row first = data->get(0), second = data->get(1);
  EXPECT_EQ(first.key, "a/001");
  EXPECT_EQ(text_of(first.image), "image");
  EXPECT_THAT(first.texts, ElementsAre("a cat"));
  EXPECT_EQ(first.label, 7);
  EXPECT_THAT(first.vector, ElementsAre(1, -2));
  EXPECT_EQ(second.key, "a/002");
  EXPECT_EQ(text_of(second.image), "other");
  EXPECT_THAT(second.texts, ElementsAre("a dog"));
  EXPECT_EQ(second.label, 0);
  EXPECT_THAT(second.vector, ElementsAre(3, 4));
  EXPECT_EQ(data->where(1), "a.tar:a/002");
}

TEST_F(Webdataset, TakesKeysUpToTheFirstDotOfTheBaseName) {
  const auto data =
      shard(tar_member("v1.0/a.seg.png", "mask") + tar_member("v1.0/a.JPG", "image") + tar_member("README", "-") +
            tar_member("v1.0/.hidden.jpg", "-") + tar_member("link.jpg", "", '2') + tar_member("v1.0/a.json", "{}") +
            tar_member("./b.Jpeg", "other") + tar_end());
  EXPECT_THAT(keys(*data), ElementsAre("v1.0/a", "./b"));
  EXPECT_EQ(text_of(data->get(0).image), "image");
  EXPECT_EQ(text_of(data->get(1).image), "other");
  EXPECT_FALSE(data->info().text || data->info().label || data->info().vector_width != 0);
}

TEST_F(Webdataset, TakesLongKeys) {
  const std::string key(300, 'k');
  const std::string name = test::pax_record("path", key + ".jpg"), text = test::pax_record("path", key + ".txt");
  const auto data = shard(tar_member("x", name, 'x') + tar_member("k", "image") + tar_member("x", text, 'x') +
                          tar_member("k", "text") + pair("b") + tar_end());
  EXPECT_THAT(keys(*data), ElementsAre(key, "b"));
  EXPECT_THAT(data->get(0).texts, ElementsAre("text"));
}

TEST_F(Webdataset, TakesCaptionsOfJson) {
  const std::string bytes = tar_member("a.jpg", "image") + tar_member("a.json", R"({"caption": ["one", "two"]})") +
                            tar_member("b.jpg", "image") + tar_member("b.json", R"({"caption": "no"})") +
                            tar_member("b.txt", "of the text member") + tar_member("c.jpg", "image") +
                            tar_member("c.json", R"({"alt": "x"})") + tar_member("d.jpg", "image") +
                            tar_member("d.json", R"({"caption": 3})") + tar_member("e.jpg", "image") + tar_end();
  const auto data = shard(bytes);
  EXPECT_THAT(data->get(0).texts, ElementsAre("one", "two"));
  EXPECT_THAT(data->get(1).texts, ElementsAre("of the text member"));
  const std::string missing = "it has no text: there is no member txt or caption or json with \"caption\"";
  EXPECT_EQ(row_error(*data, 2), "[dataset/webdataset] a.tar:c: " + missing);
  EXPECT_EQ(row_error(*data, 3),
            "[dataset/webdataset] a.tar:d: the member json: \"caption\" must be a string or a list of strings, got "
            "number");
  EXPECT_EQ(row_error(*data, 4), "[dataset/webdataset] a.tar:e: " + missing);
  Value value = list("a.tar");
  value.set("caption_key", Value::scalar(""));
  EXPECT_FALSE(make(value)->info().text);
  value.set("caption_key", Value::scalar("caption"));
  folder_.write("a.tar", tar_member("a.json", R"({"alt": "of another key"})"));
  value.set("caption_key", Value::scalar("alt"));
  EXPECT_THAT(make(value)->get(0).texts, ElementsAre("of another key"));
}

TEST_F(Webdataset, TakesTheMembersThatTheOptionsName) {
  folder_.write("a.tar", tar_member("a.jpg", "small") + tar_member("a.large.png", "large") + tar_member("a.txt", "-") +
                             tar_member("a.en.txt", "english") + tar_member("a.id", "3"));
  Value value = list("a.tar");
  value.set("image", strings({".Large.PNG", "jpg"}));
  value.set("text", strings({"en.txt"}));
  value.set("label", Value::scalar("id"));
  Row row = make(value)->get(0);
  EXPECT_EQ(text_of(row.image), "large");
  EXPECT_THAT(row.texts, ElementsAre("english"));
  EXPECT_EQ(row.label, 3);
  value.set("image", Value::list({}));
  value.set("label", Value::scalar(""));
  const auto data = make(value);
  EXPECT_FALSE(data->info().image || data->info().label);
  EXPECT_TRUE(data->get(0).image.empty());
}

TEST_F(Webdataset, ReadsSeveralShards) {
  folder_.write("d/b.tar", pair("b"));
  folder_.write("d/a.tar", pair("a") + pair("c") + tar_end());
  folder_.write("d/notes.txt", "-");
  const std::vector<std::string> sorted{"a", "c", "b"}, listed{"b", "a", "c"};
  const auto folder = make(list("d"));
  EXPECT_EQ(keys(*folder), sorted);
  EXPECT_EQ(folder->where(2), "b.tar:b");
  folder_.write("all.list", "d/b.tar\n\n d/a.tar\n");
  EXPECT_EQ(keys(*make(list("all.list"))), listed);
  folder_.write("names.list", "b.tar\na.tar\n");
  EXPECT_EQ(keys(*make({{"shards", path("names.list")}, {"root", path("d")}})), listed);
}

TEST_F(Webdataset, ExpandsRanges) {
  for (int i = 8; i <= 10; ++i) {
    const std::string number = std::to_string(i);
    folder_.write("s-" + std::string(3 - number.size(), '0') + number + ".tar", pair(number));
    folder_.write("t" + number + "{x}.tar", pair("t" + number));
  }
  EXPECT_THAT(keys(*make(list("s-{008..010}.tar"))), ElementsAre("8", "9", "10"));
  folder_.write("all.list", "t{8..9}{x}.tar\ns-0{0..1}{0..0}.tar\ns-{009..009}.tar\n");
  EXPECT_EQ(source_error(list("all.list")),
            "[dataset/webdataset] all.list:2: cannot open s-000.tar: No such file or directory");
  folder_.write("all.list", "t{8..9}{x}.tar\ns-0{1..1}{0..0}.tar\n");
  const auto data = make(list("all.list"));
  EXPECT_THAT(keys(*data), ElementsAre("t8", "t9", "10"));
  EXPECT_EQ(data->where(2), "s-010.tar:10");
  folder_.write("all.list", "t{9..8}.tar\n");
  EXPECT_EQ(source_error(list("all.list")),
            "[dataset/webdataset] all.list:1: the range {9..8} runs down: write the lower number first");
  EXPECT_EQ(source_error(list("t{0..1999}{0..1999}.tar")),
            "[dataset/webdataset] the range {0..1999} gives more than 1000000 names");
  EXPECT_EQ(source_error(list("t{18446744073709551615..18446744073709551615}.tar")),
            "[dataset/webdataset] cannot open t18446744073709551615.tar: No such file or directory");
}

TEST_F(Webdataset, NamesTheRowThatIsBroken) {
  const std::string text = tar_member("a.txt", "a");
  folder_.write("a.tar", tar_member("a.jpg", "-") + text + tar_member("a.cls", "1") + tar_member("a.npy", npy({1})) +
                             tar_member("b\n.txt", "b") + tar_member("c.jpg", "") + tar_member("d.jpg", "-") +
                             tar_member("d.txt", "d\xff") + tar_member("e.jpg", "-") + tar_member("e.txt", " \n") +
                             tar_member("f.jpg", "-") + tar_member("f.txt", "f") + tar_member("g.jpg", "-") +
                             tar_member("g.txt", "g") + tar_member("g.cls", "-1") + tar_member("h.jpg", "-") +
                             tar_member("h.txt", "h") + tar_member("h.cls", "2") + tar_member("i.jpg", "-") +
                             tar_member("i.txt", "i") + tar_member("i.cls", "2") + tar_member("i.npy", npy({1, 2})) +
                             tar_member("j.jpg", "-") + tar_member("j.txt", "j") + tar_member("j.cls", "2") +
                             tar_member("j.npy", "x") + tar_member("k.jpg", "-") + tar_member("k.txt", "k") +
                             tar_member("k.cls", "2") + tar_member("k.npy", npy({0})) + tar_end());
  Value value = list("a.tar");
  value.set("vector", Value::scalar("npy"));
  const auto data = make(value);
  const auto error = [&](std::int64_t i) {
    return row_error(*data, i).substr(std::strlen("[dataset/webdataset] a.tar:"));
  };
  EXPECT_EQ(
      row_error(*data, 1),
      "[dataset/webdataset] a.tar:b\\x0A: it has no image: there is no member jpg or jpeg or png or webp or bmp or "
      "gif");
  EXPECT_EQ(error(2), "c: the image is empty");
  EXPECT_EQ(error(3), "d: the text is not UTF-8 at byte 1");
  EXPECT_EQ(error(4), "e: the text is empty");
  EXPECT_EQ(error(5), "f: it has no label: there is no member cls");
  EXPECT_EQ(error(6), "g: the label \"-1\" is no whole number from 0");
  EXPECT_EQ(error(7), "h: it has no vector: there is no member npy");
  EXPECT_EQ(error(8), "i: the vector has 2 numbers, but the first sample's has 1");
  EXPECT_EQ(error(9), "j: the file is no .npy file");
  EXPECT_EQ(error(10), "k: the vector is all zeros");
  EXPECT_EQ(data->where(1), "a.tar:b\\x0A");
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(11); }),
            "[dataset/webdataset] there is no row 11: the rows are 0 to 10");
}

TEST_F(Webdataset, CountsASampleWithAMemberTwiceAsBroken) {
  const auto data = shard(pair("a") + tar_member("b.jpg", "1") + tar_member("b.JPG", "2") + pair("c"));
  EXPECT_EQ(row_error(*data, 1), "[dataset/webdataset] a.tar:b: the archive holds its member jpg twice: take one out");
  EXPECT_EQ(data->get(2).key, "c");
  std::string many;
  for (int i = 0; i < 1025; ++i) many += tar_member("b." + std::to_string(i), "");
  EXPECT_EQ(row_error(*shard(pair("a") + many), 1), "[dataset/webdataset] a.tar:b: it has more than 1024 members");
}

TEST_F(Webdataset, RefusesSamplesWhoseMembersAreApart) {
  const std::string images = tar_member("a.jpg", "1") + tar_member("b.jpg", "2");
  const std::string error =
      "[dataset/webdataset] a.tar: the members of the sample a do not stand together (bytes 0 and 2048): pack them in "
      "the order of their names, as tar --sort=name does";
  EXPECT_EQ(refusal(images + tar_member("a.txt", "1") + tar_member("b.txt", "2")), error);
  // Nothing is kept that would hide it the next time.
  EXPECT_EQ(source_error(list("a.tar")), error);
  EXPECT_EQ(refusal(images + tar_header("a.txt", 1)), error);
}

TEST_F(Webdataset, ReadsWhatComesBeforeACut) {
  const std::string a = pair("a"), b = pair("b"), cut = "the archive is cut short in the ";
  const auto last_error = [&](const std::string& bytes, std::int64_t rows) {
    const auto data = shard(bytes);
    EXPECT_EQ(data->size(), rows);
    for (std::int64_t i = 0; i + 1 < rows; ++i) EXPECT_EQ(data->get(i).key, i == 0 ? "a" : "b");
    return row_error(*data, rows - 1);
  };
  const std::string at_b = "[dataset/webdataset] a.tar:b: " + cut;
  EXPECT_EQ(last_error(a + b.substr(0, 515), 2), at_b + "member b.jpg (needs 7 bytes, 3 are there)");
  EXPECT_EQ(last_error(a + b.substr(0, 1540), 2), at_b + "member b.txt (needs 7 bytes, 4 are there)");
  EXPECT_EQ(last_error(a + b.substr(0, 1030), 2), at_b + "header at byte 3072 (needs 512 bytes, 6 are there)");
  EXPECT_EQ(last_error(a + b.substr(0, 1024), 2),
            "[dataset/webdataset] a.tar:b: it has no text: there is no member txt "
            "or caption or json with \"caption\"");
  // Whether a member of b follows is not known.
  EXPECT_EQ(last_error(a + b + a.substr(0, 5), 2), at_b + "header at byte 4096 (needs 512 bytes, 5 are there)");
  EXPECT_EQ(last_error(a + b + tar_header("c", 9), 2), at_b + "member c (needs 9 bytes, 0 are there)");
  EXPECT_EQ(shard(a + b)->size(), 2);
}

TEST_F(Webdataset, RefusesAShardThatCannotBeUsed) {
  EXPECT_EQ(
      refusal(""),
      "[dataset/webdataset] a.tar holds no whole sample: it is cut short in the header at byte 0 (needs 512 bytes, "
      "0 are there)");
  EXPECT_EQ(refusal(tar_end()),
            "[dataset/webdataset] a.tar holds no sample: none of its files has a name as KEY.EXTENSION");
  EXPECT_EQ(refusal(tar_member("README", "-")),
            "[dataset/webdataset] a.tar holds no sample: none of its files has a name as KEY.EXTENSION");
  EXPECT_EQ(refusal(std::string(1024, 'x')),
            "[dataset/webdataset] a.tar is damaged at byte 0: the header's checksum is wrong");
  EXPECT_EQ(refusal(pair("a") + std::string(512, 'x')),
            "[dataset/webdataset] a.tar is damaged at byte 2048: the header's checksum is wrong");
  EXPECT_EQ(refusal("\x1f\x8b" + std::string(1024, 'x')),
            "[dataset/webdataset] a.tar is compressed, and rows are read by position: unpack it with gunzip");
  EXPECT_EQ(refusal(tar_header("a.jpg", 9)),
            "[dataset/webdataset] a.tar:a: the archive is cut short in the member a.jpg (needs 9 bytes, 0 are there)");
  EXPECT_EQ(refusal(tar_member("a.bin", "-") + tar_member("a.x", "-")),
            "[dataset/webdataset] a.tar:a: the first sample has no image, text or label: its members are bin, x; name "
            "what they are by the options image, text, label and vector");
  EXPECT_EQ(
      refusal(tar_member("a.json", "{")),
      "[dataset/webdataset] a.tar:a: the member json: the text begins with \"{\" but is no JSON: it does not parse "
      "at byte 2");
  Value value = list("a.tar");
  value.set("vector", Value::scalar("npy"));
  folder_.write("a.tar", pair("a"));
  EXPECT_EQ(source_error(value), "[dataset/webdataset] a.tar:a: it has no vector: there is no member npy");
  folder_.write("a.tar", pair("a") + tar_member("a.npy", npy({})));
  EXPECT_EQ(source_error(value), "[dataset/webdataset] a.tar:a: the vector is empty");
}

TEST_F(Webdataset, RefusesAListThatCannotBeUsed) {
  EXPECT_EQ(source_error(list("gone.tar")), "[dataset/webdataset] cannot open gone.tar: No such file or directory");
  EXPECT_EQ(source_error(list("gone")),
            "[dataset/webdataset] gone is neither a folder, nor a .list of shards, nor a .tar shard");
  folder_.write("d/a.txt", "-");
  EXPECT_EQ(source_error(list("d")), "[dataset/webdataset] the folder d holds no .tar file");
  folder_.write("all.list", "\n");
  EXPECT_EQ(source_error(list("all.list")),
            "[dataset/webdataset] all.list lists no shard; put one .tar file on each line");
  folder_.write("b.tar", std::string(512, 'x'));
  folder_.write("all.list", "b.tar\nb.tar\n");
  EXPECT_EQ(source_error(list("all.list")),
            "[dataset/webdataset] all.list:1: b.tar is damaged at byte 0: the header's checksum is wrong");
}

TEST_F(Webdataset, KeepsItsIndexAndReadsNoHeadersTheNextTime) {
  std::string bytes = pair("a") + pair("b") + tar_end();
  shard(bytes);
  EXPECT_EQ(folder_.names(), (std::set<std::string>{"a.tar", "a.tar.dimeidx"}));
  // Other bytes of the same size and time are not noticed on opening, for they are not read.
  const auto time = std::filesystem::last_write_time(folder_ / "a.tar");
  bytes[2048] = 'x';
  folder_.write("a.tar", bytes);
  std::filesystem::last_write_time(folder_ / "a.tar", time);
  const auto data = make(list("a.tar"));
  EXPECT_EQ(data->size(), 2);
  EXPECT_EQ(data->get(0).key, "a");
  EXPECT_EQ(data_error(*data, 1),
            "[dataset/webdataset] a.tar does not fit its index a.tar.dimeidx: sample 1 is not where the index has it; "
            "delete the index to have it made anew");
  EXPECT_EQ(data->where(1), "a.tar: sample 1");
  std::filesystem::remove(folder_ / "a.tar.dimeidx");
  EXPECT_EQ(source_error(list("a.tar")),
            "[dataset/webdataset] a.tar is damaged at byte 2048: the header's checksum is wrong");
}

TEST_F(Webdataset, MakesItsIndexAnewForAnotherShard) {
  shard(pair("a") + tar_end());
  EXPECT_THAT(keys(*shard(pair("b") + pair("c") + tar_end())), ElementsAre("b", "c"));
}

TEST_F(Webdataset, SurvivesAnIndexThatIsWrong) {
  shard(pair("a") + pair("b") + tar_end());
  const std::string index = folder_.read("a.tar.dimeidx");
  const auto error_with = [&](const std::vector<std::uint64_t>& second) {
    std::string changed = index;
    std::memcpy(changed.data() + changed.size() - 16, second.data(), 16);
    folder_.write("a.tar.dimeidx", changed);
    return data_error(*make(list("a.tar")), 1);
  };
  const std::string misfit = "[dataset/webdataset] a.tar does not fit its index a.tar.dimeidx: sample 1 is ";
  const std::string again = "; delete the index to have it made anew";
  EXPECT_EQ(error_with({2048, 99999}), misfit + "not within the shard" + again);
  EXPECT_EQ(error_with({~0ULL, ~0ULL}), misfit + "not within the shard" + again);
  EXPECT_EQ(error_with({2048, 2048}), misfit + "not within the shard" + again);
  for (const auto& second : std::vector<std::vector<std::uint64_t>>{
           {2049, 4096}, {2048, 3000}, {0, 4096}, {4096, 5120}, {4608, 4700}, {2048, 4600}}) {
    EXPECT_EQ(error_with(second), misfit + "not where the index has it" + again) << second[0] << " " << second[1];
  }
}

TEST_F(Webdataset, NamesAShardThatChangesWhileItIsRead) {
  const std::string bytes = pair("a") + pair("b") + tar_end();
  const auto data = shard(bytes);
  EXPECT_EQ(data->get(1).key, "b");
  std::filesystem::resize_file(folder_ / "a.tar", 1000);
  const std::string changed =
      "a.tar has changed since it was opened (5120 bytes then, 1000 now): start again with it as it is now";
  EXPECT_EQ(row_error(*data, 1), "[dataset/webdataset] a.tar: sample 1: " + changed);
  EXPECT_EQ(data->where(1), "a.tar: sample 1");
  EXPECT_EQ(row_error(*data, 0), "[dataset/webdataset] a.tar: sample 0: " + changed);
}

TEST_F(Webdataset, ReadsFromManyThreads) {
  for (int s = 0; s < 3; ++s) {
    std::string bytes;
    for (int i = 0; i < 20; ++i) bytes += pair(std::to_string(s * 20 + i));
    // Too large to be read in one piece.
    if (s == 1)
      bytes += tar_member("big.jpg", "image big") + tar_member("big.bin", std::string(5 << 20, 'x')) +
               tar_member("big.txt", "text big");
    folder_.write("s" + std::to_string(s) + ".tar", bytes);
  }
  const auto data = make(list("s{0..2}.tar"));
  ASSERT_EQ(data->size(), 61);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t k = 0; k < 300; ++k) {
        const Row row = data->get((k * 7 + t * 13) % data->size());
        wrong += text_of(row.image) != "image " + row.key || row.texts[0] != "text " + row.key;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace dime
