// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <utility>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>

#include "class_texts.hpp"
#include "packed_folder.hpp"

namespace {

constexpr const char* kName = "dataset/cifar";
constexpr int kSide = 32;
constexpr std::size_t kPlane = std::size_t{kSide} * kSide;
constexpr std::size_t kImage = 3 * kPlane;

// One of the two sets: its files, and what stands before the image in a row.
struct Form {
  std::string name;
  std::vector<std::string> train;
  std::vector<std::string> test;
  std::size_t labels = 1;    // bytes before the image
  std::size_t label_at = 0;  // which of them
  std::size_t classes = 0;
  std::string names_file;

  const std::vector<std::string>& files(const std::string& split) const { return split == "test" ? test : train; }
  std::size_t row_size() const { return labels + kImage; }
};

Form cifar10() {
  return {"CIFAR-10",
          {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
          {"test_batch.bin"},
          1,
          0,
          10,
          "batches.meta.txt"};
}

Form cifar100(bool coarse) {
  return {"CIFAR-100",
          {"train.bin"},
          {"test.bin"},
          2,
          coarse ? std::size_t{0} : std::size_t{1},
          coarse ? std::size_t{20} : std::size_t{100},
          coarse ? "coarse_label_names.txt" : "fine_label_names.txt"};
}

class Cifar final : public dime::Dataset {
 public:
  struct Options {
    dime::Path root;
    std::string split = "train";
    std::string labels = "fine";
    std::vector<std::string> class_names;
    std::vector<std::string> templates;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "CIFAR-10 or CIFAR-100 in the binary version, kept in memory: images of 32 x 32 pixels with labels. "
               "Which of the two it is, the names of the files tell: data_batch_1.bin to data_batch_5.bin and "
               "test_batch.bin (rows of 3073 bytes), or train.bin and test.bin (rows of 3074 bytes). The class names "
               "are those of batches.meta.txt, fine_label_names.txt or coarse_label_names.txt, where the file is "
               "there. A row's key is its file and its number there, from 0. With `templates` a row also stands for "
               "the texts that its class name gives in each template.\n"
               "Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.")
        .option("root", &Options::root, "The folder of the files, or the .tar.gz as it is downloaded.", dime::required)
        .option("split", &Options::split, "Which rows.", dime::one_of({"train", "test"}))
        .option("labels", &Options::labels, "Which labels of CIFAR-100: 100 fine ones or 20 coarse ones.",
                dime::one_of({"fine", "coarse"}))
        .option("class_names", &Options::class_names, "Other names of the classes, by label.")
        .option("templates", &Options::templates, "Prompt templates, each with {} where the class name goes.");
  }

  explicit Cifar(const Options& o) {
    dime::with_name(kName, [&] {
      const dime::PackedFolder folder(o.root);
      form_ = form_of(folder, o);
      classes_ = {names_of(folder, o), o.templates};
      for (const auto& file : form_.files(o.split)) read(folder, file);
    });
  }

  std::int64_t size() const override { return files_.back().end; }
  dime::DatasetInfo info() const override {
    return {.image = true, .text = classes_.gives_texts(), .label = true, .class_names = classes_.names()};
  }

  std::string where(std::int64_t i) const override { return place_of(i).key(); }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    const Place place = place_of(i);
    const std::uint8_t* bytes = place.file->bytes.data() + place.row * form_.row_size();
    dime::Row row;
    row.key = place.key();
    row.label = bytes[form_.label_at];
    row.pixels = dime::PixelShape{kSide, kSide, 3};
    row.image.resize(kImage);
    const std::uint8_t* planes = bytes + form_.labels;
    for (std::size_t p = 0; p < kPlane; ++p) {
      for (std::size_t c = 0; c < 3; ++c) row.image[3 * p + c] = planes[c * kPlane + p];
    }
    classes_.add_texts(*row.label, row.texts);
    return row;
  }

 private:
  struct File {
    std::string name;
    std::vector<std::uint8_t> bytes;
    std::int64_t end;  // one past its last row, counted through all files
  };

  struct Place {
    const File* file;
    std::size_t row;

    std::string key() const { return file->name + ":" + std::to_string(row); }
  };

  static Form form_of(const dime::PackedFolder& folder, const Options& o) {
    const Form ten = cifar10(), hundred = cifar100(o.labels == "coarse");
    const auto there = [&](const Form& form) {
      const auto& files = form.files(o.split);
      return std::any_of(files.begin(), files.end(), [&](const std::string& file) { return folder.has(file); });
    };
    const std::string files = ten.files(o.split)[0] + " (CIFAR-10) ";
    const std::string other = hundred.files(o.split)[0] + " (CIFAR-100)";
    const std::string root = dime::shown_path(o.root);
    if (!there(ten) && !there(hundred)) {
      throw dime::DataError(root + " holds neither " + files + "nor " + other +
                            ": root is the folder of the binary version's files, or its .tar.gz");
    }
    if (there(ten) && there(hundred)) {
      throw dime::DataError(root + " holds both " + files + "and " + other + ": keep them in two folders");
    }
    if (there(ten) && o.labels == "coarse") {
      throw dime::DataError("labels: coarse is for CIFAR-100, but " + root + " holds CIFAR-10");
    }
    return there(ten) ? ten : hundred;
  }

  std::vector<std::string> names_of(const dime::PackedFolder& folder, const Options& o) const {
    std::vector<std::string> names = o.class_names;
    std::string from = "class_names";
    if (names.empty() && folder.has(form_.names_file)) {
      const auto bytes = folder.read(form_.names_file);
      names = dime::filled_lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      from = folder.where(form_.names_file);
    } else if (names.empty()) {
      return names;
    }
    if (names.size() != form_.classes) {
      throw dime::DataError(from + " has " + std::to_string(names.size()) + " names for the " +
                            std::to_string(form_.classes) + " classes of " + form_.name);
    }
    return names;
  }

  void read(const dime::PackedFolder& folder, const std::string& name) {
    File file{name, folder.read(name), 0};
    const std::size_t row_size = form_.row_size(), rows = file.bytes.size() / row_size;
    if (rows == 0 || rows * row_size != file.bytes.size()) {
      throw dime::DataError(folder.where(name) + " holds " + std::to_string(file.bytes.size()) +
                            " bytes, which are not rows of " + std::to_string(row_size) +
                            " bytes, the binary version " + "of " + form_.name);
    }
    for (std::size_t row = 0; row < rows; ++row) {
      const std::uint8_t label = file.bytes[row * row_size + form_.label_at];
      if (label < form_.classes) continue;
      throw dime::DataError(folder.where(name) + ": row " + std::to_string(row) + " has the label " +
                            std::to_string(label) + ", but " + form_.name + " has " + std::to_string(form_.classes) +
                            " classes");
    }
    file.end = (files_.empty() ? 0 : files_.back().end) + static_cast<std::int64_t>(rows);
    files_.push_back(std::move(file));
  }

  Place place_of(std::int64_t i) const {
    const auto file =
        std::upper_bound(files_.begin(), files_.end(), i, [](std::int64_t row, const File& f) { return row < f.end; });
    const std::int64_t begin = file == files_.begin() ? 0 : std::prev(file)->end;
    return {&*file, static_cast<std::size_t>(i - begin)};
  }

  Form form_;
  dime::ClassTexts classes_;
  std::vector<File> files_;
};

}  // namespace

DIME_DATASET("cifar", Cifar)
