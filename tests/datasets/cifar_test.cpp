// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <dime/base64.hpp>

#include "support/datasets.hpp"
#include "support/tar_files.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

constexpr std::size_t kPlane = std::size_t{32} * 32;

// A row: its label bytes, then a red, a green and a blue plane that begin with `first` and count up, modulo 251.
std::string row(const std::string& labels, int first) {
  std::string bytes = labels;
  for (std::size_t i = 0; i < 3 * kPlane; ++i)
    bytes.push_back(static_cast<char>((static_cast<std::size_t>(first) + i) % 251));
  return bytes;
}

using test::tar_member;

std::string gzip(const std::string& bytes, const std::string& path) {
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  return path;
}

class Cifar : public test::DatasetTest {
 protected:
  Cifar() : DatasetTest("cifar") {
    for (int i = 1; i <= 5; ++i) {
      std::string rows = row(std::string(1, static_cast<char>(i)), i);
      if (i == 2) rows += row(std::string(1, '\11'), 77);
      folder_.write("ten/data_batch_" + std::to_string(i) + ".bin", rows);
    }
    folder_.write("ten/test_batch.bin", row(std::string(1, '\0'), 0));
    folder_.write("ten/batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    folder_.write("hundred/train.bin", row("\4\36", 0) + row("\23\143", 9));
    folder_.write("hundred/test.bin", row("\1\2", 5));
    for (int i = 0; i < 100; ++i) fine_.push_back("fine " + std::to_string(i));
    for (int i = 0; i < 20; ++i) coarse_.push_back("coarse " + std::to_string(i));
    write_lines("hundred/fine_label_names.txt", fine_);
    write_lines("hundred/coarse_label_names.txt", coarse_);
  }

  void write_lines(const std::string& name, const std::vector<std::string>& lines) const {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    folder_.write(name, text);
  }
  Value root(const std::string& name) const { return test::options({{"root", path(name)}}); }
  Value root(const std::string& name, const std::string& key, const std::string& value) const {
    return test::options({{"root", path(name)}, {key, value}});
  }

  std::vector<std::string> fine_, coarse_;
};

TEST_F(Cifar, ReadsTheBatchesOfTen) {
  const auto data = make(root("ten"));
  ASSERT_EQ(data->size(), 6);
  std::vector<std::string> keys;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 6; ++i) {
    keys.push_back(data->get(i).key);
    labels.push_back(*data->get(i).label);
  }
  EXPECT_THAT(keys, ElementsAre("data_batch_1.bin:0", "data_batch_2.bin:0", "data_batch_2.bin:1", "data_batch_3.bin:0",
                                "data_batch_4.bin:0", "data_batch_5.bin:0"));
  EXPECT_THAT(labels, ElementsAre(1, 2, 9, 3, 4, 5));
  EXPECT_EQ(data->where(2), "data_batch_2.bin:1");
  EXPECT_TRUE(data->info().image && data->info().label);
  EXPECT_FALSE(data->info().text);
  EXPECT_EQ(data->info().class_names.at(9), "truck");
  EXPECT_EQ(data->info().class_names.size(), 10U);
}

TEST_F(Cifar, GivesPixelsWithChannelsLast) {
  const Row got = make(root("ten"))->get(2);
  ASSERT_TRUE(got.pixels);
  EXPECT_EQ(got.pixels->height, 32);
  EXPECT_EQ(got.pixels->width, 32);
  EXPECT_EQ(got.pixels->channels, 3);
  ASSERT_EQ(got.image.size(), 3 * kPlane);
  for (std::size_t p = 0; p < kPlane; ++p) {
    for (std::size_t c = 0; c < 3; ++c) ASSERT_EQ(got.image[3 * p + c], (77 + c * kPlane + p) % 251) << p << " " << c;
  }
}

TEST_F(Cifar, ReadsTheTestSplit) {
  const auto data = make(root("ten", "split", "test"));
  ASSERT_EQ(data->size(), 1);
  EXPECT_EQ(data->get(0).key, "test_batch.bin:0");
  EXPECT_EQ(make(root("hundred", "split", "test"))->get(0).label, 2);
}

TEST_F(Cifar, ReadsBothLabelsOfHundred) {
  const auto fine = make(root("hundred"));
  ASSERT_EQ(fine->size(), 2);
  EXPECT_EQ(fine->get(0).label, 30);
  EXPECT_EQ(fine->get(1).label, 99);
  EXPECT_EQ(fine->info().class_names, fine_);
  EXPECT_EQ(fine->get(1).image[0], 9);
  const auto coarse = make(root("hundred", "labels", "coarse"));
  EXPECT_EQ(coarse->get(0).label, 4);
  EXPECT_EQ(coarse->get(1).label, 19);
  EXPECT_EQ(coarse->info().class_names, coarse_);
}

TEST_F(Cifar, GivesTheTextsOfTheClass) {
  Value value = root("ten");
  value.set("templates", test::strings({"a photo of a {}.", "{}"}));
  EXPECT_THAT(make(value)->get(2).texts, ElementsAre("a photo of a truck.", "truck"));
  value.set("class_names", test::strings({"0", "1", "2", "3", "4", "5", "6", "7", "8", "lorry"}));
  const auto data = make(value);
  EXPECT_TRUE(data->info().text);
  EXPECT_THAT(data->get(2).texts, ElementsAre("a photo of a lorry.", "lorry"));
}

TEST_F(Cifar, WorksWithoutNames) {
  std::filesystem::remove(folder_ / "ten/batches.meta.txt");
  EXPECT_TRUE(make(root("ten"))->info().class_names.empty());
  Value value = root("ten");
  value.set("templates", test::strings({"{}"}));
  EXPECT_EQ(source_error(value), "[dataset/cifar] templates need class_names");
}

TEST_F(Cifar, ReadsTheArchiveAsDownloaded) {
  const std::string names = folder_.read("hundred/fine_label_names.txt");
  const std::string tar = tar_member("cifar-100-binary/", "", '5') +
                          tar_member("cifar-100-binary/fine_label_names.txt", names) +
                          tar_member("cifar-100-binary/train.bin", folder_.read("hundred/train.bin")) +
                          tar_member("cifar-100-binary/test.bin", folder_.read("hundred/test.bin"));
  for (const std::string& archive : {tar + std::string(1024, '\0'), tar}) {
    gzip(archive, path("cifar-100-binary.tar.gz"));
    const auto data = make(root("cifar-100-binary.tar.gz"));
    ASSERT_EQ(data->size(), 2);
    EXPECT_EQ(data->get(1).image, make(root("hundred"))->get(1).image);
    EXPECT_EQ(data->get(1).label, 99);
    EXPECT_EQ(data->info().class_names, fine_);
    EXPECT_EQ(make(root("cifar-100-binary.tar.gz", "split", "test"))->size(), 1);
  }
}

TEST_F(Cifar, ReadsAnArchiveOfGnuTar) {
  std::vector<std::uint8_t> bytes;
  base64_decode(
      "H4sIAAAAAAACA+3YvQrCMBSG4YCDrt5BcK+e9Ce9AW8kFoUuLaRx6N0bHFtUkFqQvM9yDiTbN32naW/OZ0Yku7Sd8+NJLU+iuqqe"
      "M5rO+W7ywhqlK7WC+xCc11r5vg/v/n16/1PNNP9wHcIx7gvnb8vyVf5WJJ/kX0ohSgv5/9x2dwYAAACQDIWEzfu/d2237AHgi/5v"
      "rKX/r2FT7wEk6wAgWQWAZNGBAQBIzQMIC1e0ACgAAA==",
      bytes);
  folder_.write("gnu.tar.gz", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const Row got = make(root("gnu.tar.gz"))->get(0);
  EXPECT_EQ(got.label, 55);
  EXPECT_THAT(std::vector<int>(got.image.begin(), got.image.begin() + 4), ElementsAre(0x11, 0x22, 0x33, 0x11));
  EXPECT_EQ(make(root("gnu.tar.gz", "labels", "coarse"))->get(0).label, 3);
}

TEST_F(Cifar, RefusesADamagedArchive) {
  const auto refusal = [&](const std::string& bytes) {
    folder_.write("a.tar", bytes);
    return source_error(root("a.tar"));
  };
  const std::string archive = "[dataset/cifar] a.tar is no folder, and as a tar archive it is ";
  const std::string damaged = archive + "damaged at byte ";
  const std::string train = tar_member("c/train.bin", folder_.read("hundred/train.bin"));
  EXPECT_EQ(refusal(""), archive + "cut short in the header at byte 0 (needs 512 bytes, 0 are there)");
  EXPECT_EQ(refusal(std::string(600, 'x')), damaged + "0: the header's checksum is wrong");
  std::string wrong = train;
  wrong[0] = 'C';
  EXPECT_EQ(refusal(wrong), damaged + "0: the header's checksum is wrong");
  EXPECT_EQ(refusal(train.substr(0, 1000)),
            archive + "cut short in the member c/train.bin (needs 6148 bytes, 488 are there)");
  EXPECT_EQ(refusal(train + "tail"), archive + "cut short in the header at byte " + std::to_string(train.size()) +
                                         " (needs 512 bytes, 4 are there)");
  EXPECT_EQ(refusal(train + train), damaged + std::to_string(train.size()) + ": it holds train.bin twice");
  std::string ten;
  for (const int i : {1, 2, 4, 5}) {
    const std::string name = "data_batch_" + std::to_string(i) + ".bin";
    ten += tar_member("cifar-10-batches-bin/" + name, folder_.read("ten/" + name));
  }
  EXPECT_EQ(refusal(ten), "[dataset/cifar] a.tar holds no data_batch_3.bin");
  folder_.write("a.tar.gz", folder_.read(gzip(train, path("whole.gz"))).substr(0, 100));
  EXPECT_EQ(source_error(root("a.tar.gz")), "[dataset/cifar] a.tar.gz is cut short: the gzip stream has no end");
}

TEST_F(Cifar, RefusesAFolderThatIsNotOneOfThem) {
  const std::string files = "data_batch_1.bin (CIFAR-10) ";
  folder_.write("other/x.bin", "-");
  EXPECT_EQ(source_error(root("other")),
            "[dataset/cifar] other holds neither " + files +
                "nor train.bin (CIFAR-100): root is the folder of the binary version's files, or its .tar.gz");
  folder_.write("ten/train.bin", "-");
  EXPECT_EQ(source_error(root("ten")),
            "[dataset/cifar] ten holds both " + files + "and train.bin (CIFAR-100): keep them in two folders");
  EXPECT_EQ(source_error(root("gone")), "[dataset/cifar] cannot open gone: No such file or directory");
}

TEST_F(Cifar, RefusesDamagedFiles) {
  const std::string rows = folder_.read("ten/data_batch_3.bin");
  const auto refusal = [&](const std::string& bytes) {
    folder_.write("ten/data_batch_3.bin", bytes);
    return source_error(root("ten"));
  };
  const std::string file = "[dataset/cifar] ten/data_batch_3.bin";
  const std::string form = " bytes, which are not rows of 3073 bytes, the binary version of CIFAR-10";
  EXPECT_EQ(refusal(rows + "x"), file + " holds 3074" + form);
  EXPECT_EQ(refusal(""), file + " holds 0" + form);
  EXPECT_EQ(refusal(rows + row("\12", 0)), file + ": row 1 has the label 10, but CIFAR-10 has 10 classes");
  std::filesystem::remove(folder_ / "ten/data_batch_3.bin");
  EXPECT_EQ(source_error(root("ten")), "[dataset/cifar] cannot open ten/data_batch_3.bin: No such file or directory");
  folder_.write("hundred/train.bin", row({"\24\0", 2}, 0));
  EXPECT_EQ(source_error(root("hundred", "labels", "coarse")),
            "[dataset/cifar] hundred/train.bin: row 0 has the label 20, but CIFAR-100 has 20 classes");
}

TEST_F(Cifar, RefusesOptionsThatDoNotFit) {
  EXPECT_EQ(source_error(root("ten", "labels", "coarse")),
            "[dataset/cifar] labels: coarse is for CIFAR-100, but ten holds CIFAR-10");
  Value value = root("ten");
  value.set("class_names", test::strings({"a", "b"}));
  EXPECT_EQ(source_error(value), "[dataset/cifar] class_names has 2 names for the 10 classes of CIFAR-10");
  folder_.write("hundred/coarse_label_names.txt", "a\n");
  EXPECT_EQ(source_error(root("hundred", "labels", "coarse")),
            "[dataset/cifar] hundred/coarse_label_names.txt has 1 names for the 20 classes of CIFAR-100");
  fine_[7] = "\xff";
  write_lines("hundred/fine_label_names.txt", fine_);
  EXPECT_EQ(source_error(root("hundred")), "[dataset/cifar] class_names: the name of label 7 is not UTF-8");
  EXPECT_EQ(test::error_text<ConfigError>([&] { make(root("ten", "split", "val")); }),
            "[dataset/cifar] option \"split\" of dataset \"cifar\" takes one of train, test, got \"val\"");
}

TEST_F(Cifar, NamesARowThatIsNotThere) {
  const auto data = make(root("ten"));
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(6); }),
            "[dataset/cifar] there is no row 6: the rows are 0 to 5");
}

}  // namespace
}  // namespace dime
