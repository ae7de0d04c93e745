// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "class_texts.hpp"
#include "shown_path.hpp"

namespace {

constexpr const char* kName = "dataset/idx";

// An IDX file of bytes: magic 0, 0, 8, D; D big-endian sizes; the bytes.
struct IdxFile {
  std::vector<std::uint8_t> bytes;
  std::array<std::uint32_t, 3> sizes{1, 1, 1};
  std::size_t begin = 0;

  const std::uint8_t* data() const { return bytes.data() + begin; }
};

std::uint32_t big_endian(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

IdxFile read_idx(const dime::Path& path, std::size_t dimensions, const char* what) {
  const auto refuse = [&](const std::string& problem) {
    throw dime::DataError(dime::shown_path(path) + ": " + problem);
  };
  IdxFile file{dime::read_unpacked_file(path), {1, 1, 1}, 4 + 4 * dimensions};
  const std::uint32_t magic = 0x800 + static_cast<std::uint32_t>(dimensions);
  if (file.bytes.size() < file.begin || big_endian(file.bytes.data()) != magic) {
    refuse("no IDX file of " + std::string(what) + " (it does not begin with the number " + std::to_string(magic) +
           " and its sizes)");
  }
  std::uint64_t expected = 1;
  bool overflow = false;
  for (std::size_t d = 0; d < dimensions; ++d) {
    file.sizes[d] = big_endian(file.bytes.data() + 4 + 4 * d);
    overflow = __builtin_mul_overflow(expected, std::uint64_t{file.sizes[d]}, &expected) || overflow;
  }
  const std::size_t have = file.bytes.size() - file.begin;
  if (overflow) refuse("its sizes are too large");
  if (expected == 0) refuse("it holds nothing: one of its sizes is 0");
  if (expected != have)
    refuse("its sizes ask for " + std::to_string(expected) + " bytes, but it holds " + std::to_string(have));
  if (file.sizes[1] > 65535 || file.sizes[2] > 65535) refuse("an image is larger than 65535 pixels on a side");
  return file;
}

class Idx final : public dime::Dataset {
 public:
  struct Options {
    dime::Path images;
    dime::Path labels;
    std::vector<std::string> class_names;
    std::vector<std::string> templates;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Grey images and labels in the IDX format of MNIST and Fashion-MNIST, gzip-compressed or plain (told "
               "apart by content), kept "
               "in memory. A row's key is its number from 0. With `class_names` and `templates` a row also stands for "
               "the texts that its "
               "class name gives in each template, so that images and sentences of a small experiment come from the "
               "same two files.")
        .option("images", &Options::images, "The IDX file of images (three sizes, unsigned bytes).", dime::required)
        .option("labels", &Options::labels, "The IDX file of labels; without it the rows have none.")
        .option("class_names", &Options::class_names, "The names of the classes, by label.")
        .option("templates", &Options::templates, "Prompt templates, each with {} where the class name goes.");
  }

  explicit Idx(const Options& o) : name_(dime::printable(o.images.filename().string())) {
    dime::with_name(kName, [&] {
      classes_ = {o.class_names, o.templates};
      if (!o.class_names.empty() && o.labels.empty()) throw dime::DataError("class_names need labels");
      images_ = read_idx(o.images, 3, "images");
      if (!o.labels.empty()) read_labels(o);
    });
  }

  std::int64_t size() const override { return images_.sizes[0]; }
  dime::DatasetInfo info() const override {
    return {.image = true,
            .text = classes_.gives_texts(),
            .label = !labels_.bytes.empty(),
            .class_names = classes_.names()};
  }

  std::string where(std::int64_t i) const override { return name_ + ":" + std::to_string(i); }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    const std::size_t pixels = std::size_t{images_.sizes[1]} * images_.sizes[2];
    const std::uint8_t* first = images_.data() + static_cast<std::size_t>(i) * pixels;
    dime::Row row;
    row.key = std::to_string(i);
    row.image.assign(first, first + pixels);
    row.pixels = dime::PixelShape{static_cast<int>(images_.sizes[1]), static_cast<int>(images_.sizes[2]), 1};
    if (!labels_.bytes.empty()) {
      row.label = labels_.data()[i];
      classes_.add_texts(*row.label, row.texts);
    }
    return row;
  }

 private:
  void read_labels(const Options& o) {
    labels_ = read_idx(o.labels, 1, "labels");
    if (labels_.sizes[0] != images_.sizes[0]) {
      throw dime::DataError(dime::shown_path(o.labels) + " has " + std::to_string(labels_.sizes[0]) +
                            " labels for the " + std::to_string(images_.sizes[0]) + " images of " +
                            dime::shown_path(o.images));
    }
    const std::uint8_t* last = labels_.data() + labels_.sizes[0];
    const std::uint8_t* wrong =
        std::find_if(labels_.data(), last, [&](std::uint8_t label) { return !classes_.knows(label); });
    if (wrong != last) {
      throw dime::DataError(dime::shown_path(o.labels) + ": row " + std::to_string(wrong - labels_.data()) +
                            " has the label " + std::to_string(*wrong) + ", but there are " +
                            std::to_string(o.class_names.size()) + " class_names");
    }
  }

  std::string name_;
  dime::ClassTexts classes_;
  IdxFile images_;
  IdxFile labels_;
};

}  // namespace

DIME_DATASET("idx", Idx)
