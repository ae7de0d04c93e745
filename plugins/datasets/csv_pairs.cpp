// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <dime/text_row.hpp>

#include "csv_file.hpp"
#include "shown_path.hpp"

namespace {

constexpr const char* kName = "dataset/csv_pairs";

[[noreturn]] void refuse_option(const std::string& problem) {
  throw dime::ConfigError("[" + std::string(kName) + "] " + problem);
}

[[noreturn]] void refuse_row(const std::string& problem) { throw dime::RowError(problem); }

/// Whether `text` begins like "https://".
bool is_url(std::string_view text) {
  const std::string_view scheme = text.substr(0, text.find("://"));
  return !scheme.empty() && scheme.size() < text.size() &&
         std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

class CsvPairs final : public dime::Dataset {
 public:
  struct Options {
    dime::Path file;
    std::string image = "filepath";
    std::string caption = "title";
    std::optional<std::string> label;
    std::optional<std::string> key;
    std::string separator = "\\t";
    bool header = true;
    bool quotes = true;
    std::optional<dime::Path> root;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "A CSV or TSV file with a column of image paths and a column of captions, as OpenCLIP's csv data and "
               "Conceptual Captions have.\n"
               "Fields may stand in quotes as in RFC 4180, with doubled quotes, separators and line breaks in them; "
               "lines end with LF or CR LF; blank lines and a UTF-8 byte order mark are passed over. A row is read "
               "from the file when it is asked for: only where the rows begin is found at the start, once, and kept in "
               "FILE.dimeidx beside the file. White space around a caption is dropped. A row's key is its `key` "
               "column, else its image path as written, else its line.\n"
               "Both columns must be there. To read only one of the two, give the other as \"\".")
        .option("file", &Options::file, "The file, not compressed.", dime::required)
        .option("image", &Options::image, "The column of image paths; \"\" for rows without images.")
        .option("caption", &Options::caption, "The column of captions; \"\" for rows without texts.")
        .option("label", &Options::label, "A column of classes, integers from 0.")
        .option("key", &Options::key, "A column of names of the rows.")
        .option("separator", &Options::separator, "One character; \\t is a tab.")
        .option("header", &Options::header,
                "The first row names the columns. If not, columns are given by their number, from 0.")
        .option("quotes", &Options::quotes, "If false, a quote is a character like others, and a line is a row.")
        .option("root", &Options::root, "The folder that relative image paths start in; by default the file's own.");
  }

  explicit CsvPairs(const Options& o)
      : name_(dime::printable(o.file.filename().string())),
        path_(dime::shown_path(o.file)),
        form_(form_of(o)),
        root_(o.root ? *o.root : dime::Path(o.file.parent_path())),
        file_(dime::with_name(kName, [&] { return std::make_unique<dime::CsvFile>(o.file, form_); })) {
    dime::with_name(kName, [&] { find_columns(o); });
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(file_->size() - first_); }
  dime::DatasetInfo info() const override {
    return {.image = image_.has_value(), .text = caption_.has_value(), .label = label_.has_value()};
  }
  std::string where(std::int64_t i) const override { return name_ + ":" + std::to_string(line(i)); }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    return dime::with_name(kName, [&] {
      try {
        return read(i);
      } catch (const dime::RowError& e) {
        throw dime::RowError(where(i) + ": " + e.what());
      }
    });
  }

 private:
  using Column = std::optional<std::size_t>;

  static char separator_of(const Options& o) {
    if (o.separator == "\\t") return '\t';
    const std::string_view taken = "\"\r\n";
    if (o.separator.size() == 1 && taken.find(o.separator[0]) == std::string_view::npos) return o.separator[0];
    refuse_option("separator takes one character other than a quote and a line break, got " +
                  dime::in_quotes(o.separator));
  }

  static dime::CsvForm form_of(const Options& o) {
    if (o.image.empty() && o.caption.empty()) refuse_option("image and caption are both \"\": name one of them");
    return {separator_of(o), o.quotes};
  }

  std::uint64_t line(std::int64_t i) const { return file_->line(static_cast<std::size_t>(i) + first_); }

  void find_columns(const Options& o) {
    if (file_->size() == 0) throw dime::DataError(path_ + " holds no row");
    const auto names = first_row();
    columns_ = names.size();
    first_ = o.header ? 1 : 0;
    const auto find = [&](const std::string& option, const std::string& wanted) {
      return o.header ? by_name(names, option, wanted) : by_number(option, wanted);
    };
    if (!o.image.empty()) image_ = find("image", o.image);
    if (!o.caption.empty()) caption_ = find("caption", o.caption);
    if (o.label) label_ = find("label", *o.label);
    if (o.key) key_ = find("key", *o.key);
    if (size() == 0) throw dime::DataError(path_ + " holds no row below its header");
  }

  std::vector<std::string> first_row() const {
    try {
      return file_->fields(0);
    } catch (const dime::RowError& e) {
      throw dime::DataError(path_ + ":" + std::to_string(file_->line(0)) + ": " + e.what());
    }
  }

  std::string separated() const {
    return std::string("separated by \"") + (form_.separator == '\t' ? "\\t" : dime::printable({&form_.separator, 1})) +
           "\"";
  }

  Column by_name(const std::vector<std::string>& names, const std::string& option, const std::string& wanted) const {
    const auto times = std::count(names.begin(), names.end(), wanted);
    const std::string column = dime::in_quotes(wanted) + " (option " + option + ")";
    if (times > 1) throw dime::DataError(path_ + " has more than one column " + column + ": rename all but one");
    if (times == 1) return std::find(names.begin(), names.end(), wanted) - names.begin();
    constexpr std::size_t most = 20;
    std::vector<std::string> shown;
    for (const auto& name : names) {
      if (shown.size() < most) shown.push_back(dime::in_quotes(name));
    }
    if (names.size() > most) shown.push_back("and " + std::to_string(names.size() - most) + " more");
    throw dime::DataError(path_ + " has no column " + column + "; " + separated() + ", its columns are " +
                          dime::join(shown) + unwanted(option));
  }

  Column by_number(const std::string& option, const std::string& wanted) const {
    std::size_t number = 0;
    const char* end = wanted.data() + wanted.size();
    const auto [stop, error] = std::from_chars(wanted.data(), end, number);
    if (wanted.empty() || error == std::errc::invalid_argument || stop != end) {
      refuse_option("option " + option + " takes the number of a column, from 0, where header is false, got " +
                    dime::in_quotes(wanted) + unwanted(option));
    }
    if (error == std::errc{} && number < columns_) return number;
    throw dime::DataError(path_ + " has no column " + dime::printable(wanted, dime::longest_shown) + " (option " +
                          option + "); " + separated() + ", its columns are 0 to " + std::to_string(columns_ - 1) +
                          unwanted(option));
  }

  /// How to do without the column.
  static std::string unwanted(const std::string& option) {
    if (option == "image") return "; give image: \"\" for rows without images";
    if (option == "caption") return "; give caption: \"\" for rows without texts";
    return "";
  }

  dime::Row read(std::int64_t i) const {
    const auto fields = file_->fields(static_cast<std::size_t>(i) + first_);
    if (fields.size() != columns_) {
      refuse_row("the row has " + std::to_string(fields.size()) + " columns, the first row of the file has " +
                 std::to_string(columns_));
    }
    dime::Row row;
    row.key = key_ ? fields[*key_] : image_ ? fields[*image_] : std::to_string(line(i));
    if (row.key.empty()) refuse_row(key_ ? "the key is empty" : "the image path is empty");
    if (label_) row.label = label_of(fields[*label_]);
    if (caption_) row.texts.push_back(caption_of(fields[*caption_]));
    if (image_) row.image = image_of(fields[*image_]);
    return row;
  }

  static std::int64_t label_of(const std::string& field) {
    const std::string_view text = dime::strip(field);
    std::int64_t label = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
    if (error == std::errc{} && end == text.data() + text.size() && label >= 0) return label;
    refuse_row("the label " + dime::in_quotes(field) + " is no integer from 0");
  }

  static std::string caption_of(const std::string& field) {
    const std::string_view text = dime::strip(field);
    if (text.empty()) refuse_row("the caption is empty");
    if (const auto at = dime::find_invalid_utf8(text); at != std::string_view::npos) {
      refuse_row("the caption is not UTF-8 at byte " + std::to_string(at));
    }
    return std::string(text);
  }

  std::vector<std::uint8_t> image_of(const std::string& field) const {
    if (dime::strip(field).empty()) refuse_row("the image path is empty");
    if (field.find('\0') != std::string::npos) refuse_row("the image path holds a NUL byte");
    if (is_url(field)) {
      refuse_row("the image " + dime::in_quotes(field) + " is a URL, and this source reads files: give its path");
    }
    const auto path = root_ / field;
    std::vector<std::uint8_t> image;
    try {
      image = dime::read_file(path);
    } catch (const dime::IoError& e) {
      refuse_row(e.what());
    }
    if (image.empty()) refuse_row("the image file " + dime::shown_path(path) + " is empty");
    return image;
  }

  std::string name_;
  std::string path_;
  dime::CsvForm form_;
  std::filesystem::path root_;
  std::unique_ptr<const dime::CsvFile> file_;
  std::size_t columns_ = 0;
  std::size_t first_ = 0;
  Column image_, caption_, label_, key_;
};

}  // namespace

DIME_DATASET("csv_pairs", CsvPairs)
