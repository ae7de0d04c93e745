// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "support/datasets.hpp"

namespace dime {
namespace {

using testing::ElementsAre;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

class CsvPairs : public test::DatasetTest {
 protected:
  CsvPairs() : DatasetTest("csv_pairs") {
    folder_.write("a.jpg", "image a");
    folder_.write("sub/b.jpg", "image b");
  }

  /// The options for a file of this content, and more.
  Value file(const std::string& content, const test::Options& more = {}) const {
    Value value = test::options(more);
    value.set("file", Value::scalar(folder_.write("p.csv", content).string()));
    return value;
  }
  Value commas(const std::string& content, test::Options more = {}) const {
    more.emplace_back("separator", ",");
    return file(content, more);
  }
  std::string config_error(const Value& options) const {
    return test::error_text<ConfigError>([&] { make(options); });
  }
  /// The whole RowError of the only row, below the header "filepath,title".
  std::string problem(const std::string& row) const {
    return row_error(*make(commas("filepath,title\n" + row + "\n")), 0);
  }
};

TEST_F(CsvPairs, GivesImagesAndCaptions) {
  const auto data = make(file("title\tfilepath\n a cat \ta.jpg\r\nb, \"c\"\tsub/b.jpg"));
  ASSERT_EQ(data->size(), 2);
  EXPECT_TRUE(data->info().image && data->info().text);
  EXPECT_FALSE(data->info().label);
  const Row row = data->get(0);
  EXPECT_EQ(row.key, "a.jpg");
  EXPECT_EQ(row.image, bytes_of("image a"));
  EXPECT_FALSE(row.pixels);
  EXPECT_FALSE(row.label);
  EXPECT_THAT(row.texts, ElementsAre("a cat"));
  EXPECT_EQ(data->get(1).key, "sub/b.jpg");
  EXPECT_EQ(data->get(1).image, bytes_of("image b"));
  EXPECT_THAT(data->get(1).texts, ElementsAre("b, \"c\""));
  EXPECT_EQ(data->where(1), "p.csv:3");
}

TEST_F(CsvPairs, ReadsFieldsInQuotes) {
  const auto data = make(commas(
      "\xef\xbb\xbf\"filepath\",\"title\"\r\n\r\na.jpg,\"two\r\nlines, and \"\"quotes\"\"\"\r\n\"sub/b.jpg\",b\r\n"));
  ASSERT_EQ(data->size(), 2);
  EXPECT_THAT(data->get(0).texts, ElementsAre("two\r\nlines, and \"quotes\""));
  EXPECT_EQ(data->where(0), "p.csv:3");
  EXPECT_EQ(data->get(1).image, bytes_of("image b"));
  EXPECT_EQ(data->where(1), "p.csv:5");
}

TEST_F(CsvPairs, ReadsLabelsAndKeys) {
  const auto data = make(commas("id,path,text,class\nx1,a.jpg,a,7\nx2,a.jpg,b, 0 \n",
                                {{"image", "path"}, {"caption", "text"}, {"label", "class"}, {"key", "id"}}));
  EXPECT_TRUE(data->info().label);
  EXPECT_EQ(data->get(0).key, "x1");
  EXPECT_EQ(data->get(0).label, 7);
  EXPECT_EQ(data->get(1).key, "x2");
  EXPECT_EQ(data->get(1).label, 0);
}

TEST_F(CsvPairs, ColumnsByNumber) {
  const auto data =
      make(commas("a cat,a.jpg\na dog,sub/b.jpg\n", {{"header", "false"}, {"image", "1"}, {"caption", "0"}}));
  ASSERT_EQ(data->size(), 2);
  EXPECT_THAT(data->get(0).texts, ElementsAre("a cat"));
  EXPECT_EQ(data->get(1).key, "sub/b.jpg");
  EXPECT_EQ(data->where(0), "p.csv:1");
}

TEST_F(CsvPairs, ImagePathsStartInTheRoot) {
  const std::string absolute = path("a.jpg");
  const auto data = make(commas("filepath,title\nb.jpg,b\n" + absolute + ",a\n", {{"root", path("sub")}}));
  EXPECT_EQ(data->get(0).image, bytes_of("image b"));
  EXPECT_EQ(data->get(1).image, bytes_of("image a"));
}

TEST_F(CsvPairs, OnlyImagesOrOnlyTexts) {
  const std::string content = "filepath,title\na.jpg,\nnone.jpg,a caption\n";
  const auto images = make(commas(content, {{"caption", ""}}));
  EXPECT_FALSE(images->info().text);
  EXPECT_EQ(images->get(0).image, bytes_of("image a"));
  EXPECT_TRUE(images->get(0).texts.empty());
  const auto texts = make(commas(content, {{"image", ""}}));
  EXPECT_FALSE(texts->info().image);
  EXPECT_EQ(texts->get(1).key, "3");
  EXPECT_TRUE(texts->get(1).image.empty());
  EXPECT_THAT(texts->get(1).texts, ElementsAre("a caption"));
  EXPECT_EQ(config_error(commas(content, {{"image", ""}, {"caption", ""}})),
            "[dataset/csv_pairs] image and caption are both \"\": name one of them");
}

TEST_F(CsvPairs, KeepsWhereTheRowsBegin) {
  const Value options = commas("filepath,title\na.jpg,a\n\nsub/b.jpg,b\n");
  make(options);
  const std::string index = folder_.read("p.csv.dimeidx");
  EXPECT_EQ(index.size(), 72U + 8 * (1 + 3 + 2));
  EXPECT_EQ(make(options)->get(1).key, "sub/b.jpg");
}

TEST_F(CsvPairs, KeepsThemForOneForm) {
  Value options = commas("filepath,title\na.jpg,\"a\nsub/b.jpg,b\"\n");
  EXPECT_EQ(make(options)->size(), 1);
  options.set("quotes", Value::scalar("false"));
  const auto data = make(options);
  ASSERT_EQ(data->size(), 2);
  EXPECT_THAT(data->get(0).texts, ElementsAre("\"a"));
  EXPECT_THAT(data->get(1).texts, ElementsAre("b\""));
}

TEST_F(CsvPairs, RefusesAnIndexThatDoesNotFit) {
  const Value options = commas("filepath,title\na.jpg,a\n");
  make(options);
  const std::string index = folder_.read("p.csv.dimeidx");
  const auto damaged = [&](std::size_t number, std::uint64_t value) {
    std::string bytes = index;
    std::memcpy(bytes.data() + 72 + 8 * number, &value, sizeof value);
    folder_.write("p.csv.dimeidx", bytes);
  };
  const std::string fit = "[dataset/csv_pairs] p.csv.dimeidx does not fit p.csv: ";
  const std::string remedy = "; delete it to have it made anew";
  damaged(0, 9);
  EXPECT_EQ(source_error(options), fit + "the numbers of the rows are damaged" + remedy);
  damaged(2, 23);
  EXPECT_EQ(folder_.shown(test::error_text<DataError>([&] { make(options)->get(0); })),
            fit + "the place of row 1 is no part of the 23 bytes of the table" + remedy);
}

TEST_F(CsvPairs, NoticesThatTheFileChanged) {
  const auto data = make(commas("filepath,title\na.jpg,a\n"));
  folder_.write("p.csv", "filepath,title\n");
  EXPECT_EQ(folder_.shown(test::error_text<DataError>([&] { data->get(0); })),
            "[dataset/csv_pairs] p.csv has changed since it was opened (23 bytes then, 15 now): start again with it as "
            "it is now");
}

TEST_F(CsvPairs, RefusesRowsThatAreBroken) {
  const std::string row = "[dataset/csv_pairs] p.csv:2: ";
  EXPECT_EQ(problem("a.jpg"), row + "the row has 1 columns, the first row of the file has 2");
  EXPECT_EQ(problem("a.jpg,a,b"), row + "the row has 3 columns, the first row of the file has 2");
  EXPECT_EQ(problem("a.jpg,\"a\" cat"),
            row +
                "column 1 (counted from 0) goes on after its closing quote: within a field in quotes, every quote "
                "must be doubled");
  EXPECT_EQ(problem("a.jpg,caf\xe9"), row + "the caption is not UTF-8 at byte 3");
  EXPECT_EQ(problem("a.jpg, "), row + "the caption is empty");
  EXPECT_EQ(problem("a.jpg,\" \""), row + "the caption is empty");
  EXPECT_EQ(problem(",a"), row + "the image path is empty");
  EXPECT_EQ(problem(" ,a"), row + "the image path is empty");
  EXPECT_EQ(
      problem("a.jpg," + std::string((1 << 24) + 1, 'x')),
      row + "the row has 16777224 bytes, more than the 16777216 that a row may have: is a closing quote missing?");
}

TEST_F(CsvPairs, RefusesImagesThatCannotBeRead) {
  const std::string row = "[dataset/csv_pairs] p.csv:2: ";
  folder_.write("empty.jpg", "");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(problem("none.jpg,a"), row + "cannot open none.jpg: No such file or directory");
  EXPECT_EQ(problem("empty.jpg,a"), row + "the image file empty.jpg is empty");
  EXPECT_EQ(problem("sub,a"), row + "cannot read sub: Is a directory");
  EXPECT_EQ(problem("pipe,a"), row + "cannot read pipe: it is no regular file");
  EXPECT_EQ(problem(std::string("a.jpg\0x,a", 9)), row + "the image path holds a NUL byte");
  for (const std::string url : {"https://e.org/a.jpg", "http://e.org/a.jpg", "file:///a.jpg", "s3://b/a.jpg"}) {
    EXPECT_EQ(problem(url + ",a"),
              row + "the image \"" + url + "\" is a URL, and this source reads files: give its path");
  }
}

TEST_F(CsvPairs, RefusesLabelsAndKeysThatAreNone) {
  const test::Options more{{"label", "class"}, {"key", "id"}};
  const std::string header = "filepath,title,class,id\n", row = "[dataset/csv_pairs] p.csv:2: ";
  const auto refusal = [&](const std::string& fields) { return row_error(*make(commas(header + fields, more)), 0); };
  for (const std::string label : {"", "x", "-1", "1.0", "1 2", "99999999999999999999"}) {
    EXPECT_EQ(refusal("a.jpg,a," + label + ",k\n"), row + "the label \"" + label + "\" is no integer from 0");
  }
  EXPECT_EQ(refusal("a.jpg,a,1,\n"), row + "the key is empty");
}

TEST_F(CsvPairs, NamesTheColumnsThatThereAre) {
  const std::string no = "[dataset/csv_pairs] p.csv has no column ";
  EXPECT_EQ(source_error(file("filepath,title\na.jpg,a\n")),
            no + "\"filepath\" (option image); separated by \"\\t\", its columns are \"filepath,title\"; give image: "
                 "\"\" for rows without images");
  EXPECT_EQ(source_error(commas("filepath,text\na.jpg,a\n")),
            no +
                "\"title\" (option caption); separated by \",\", its columns are \"filepath\", \"text\"; give caption: "
                "\"\" for rows without texts");
  EXPECT_EQ(source_error(commas("filepath,title\na.jpg,a\n", {{"label", "class"}})),
            no + "\"class\" (option label); separated by \",\", its columns are \"filepath\", \"title\"");
  EXPECT_EQ(source_error(commas("filepath,title,title\na.jpg,a,b\n")),
            "[dataset/csv_pairs] p.csv has more than one column \"title\" (option caption): rename all but one");
  std::string many = "filepath", shown = "\"filepath\"";
  for (int i = 1; i < 25; ++i) {
    many += ",c" + std::to_string(i);
    if (i < 20) shown += ", \"c" + std::to_string(i) + "\"";
  }
  EXPECT_EQ(source_error(commas(many + "\n" + many)),
            no + "\"title\" (option caption); separated by \",\", its columns are " + shown +
                ", and 5 more; give caption: \"\" for rows without texts");
}

TEST_F(CsvPairs, RefusesNumbersThatAreNoColumns) {
  const auto options = [&](const std::string& caption) {
    return commas("a.jpg,a\n", {{"header", "false"}, {"image", "0"}, {"caption", caption}});
  };
  EXPECT_EQ(config_error(options("title")),
            "[dataset/csv_pairs] option caption takes the number of a column, from 0, where header is false, got "
            "\"title\"; give caption: \"\" for rows without texts");
  for (const std::string number : {"2", "99999999999999999999"}) {
    EXPECT_EQ(source_error(options(number)), "[dataset/csv_pairs] p.csv has no column " + number +
                                                 " (option caption); separated by \",\", its columns are 0 to 1; give "
                                                 "caption: \"\" for rows without texts");
  }
}

TEST_F(CsvPairs, RefusesAFileThatCannotBeUsed) {
  EXPECT_EQ(source_error(commas("")), "[dataset/csv_pairs] p.csv holds no row");
  EXPECT_EQ(source_error(commas("\n\n")), "[dataset/csv_pairs] p.csv holds no row");
  EXPECT_EQ(source_error(commas("filepath,title\n\n")), "[dataset/csv_pairs] p.csv holds no row below its header");
  std::filesystem::remove(folder_ / "p.csv.dimeidx");
  EXPECT_EQ(source_error(commas("filepath,title\na.jpg,a\na.jpg,\"b\na.jpg,c\n")),
            "[dataset/csv_pairs] p.csv:3: the quote that opens here is never closed: close it, or give quotes: false "
            "where a quote is a character like others");
  EXPECT_FALSE(folder_.names().contains("p.csv.dimeidx"));
  EXPECT_EQ(source_error(commas("\n\"filepath\" x,title\na.jpg,a\n")),
            "[dataset/csv_pairs] p.csv:2: column 0 (counted from 0) goes on after its closing quote: within a field in "
            "quotes, every quote must be doubled");
  EXPECT_EQ(source_error({{"file", path("none.csv")}}),
            "[dataset/csv_pairs] cannot open none.csv: No such file or directory");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(source_error({{"file", path("pipe")}}), "[dataset/csv_pairs] cannot read pipe: it is no regular file");
}

TEST_F(CsvPairs, TheSeparatorIsOneCharacter) {
  EXPECT_EQ(make(file("filepath;title\na.jpg;a\n", {{"separator", ";"}}))->size(), 1);
  EXPECT_EQ(make(file("filepath\ttitle\na.jpg\ta\n", {{"separator", "\t"}}))->size(), 1);
  for (const std::string wrong : {"", ", ", "\""}) {
    EXPECT_EQ(
        config_error(file("filepath,title\n", {{"separator", wrong}})),
        "[dataset/csv_pairs] separator takes one character other than a quote and a line break, got \"" + wrong + "\"");
  }
}

TEST_F(CsvPairs, NamesARowThatIsNotThere) {
  const auto data = make(commas("filepath,title\na.jpg,a\n"));
  EXPECT_EQ(test::error_text<ArgumentError>([&] { data->get(1); }),
            "[dataset/csv_pairs] there is no row 1: the rows are 0 to 0");
}

}  // namespace
}  // namespace dime
