// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "image_files.hpp"
#include "shown_path.hpp"

namespace {

namespace files = dime::image_files;

constexpr const char* kName = "dataset/image_folder";

class ImageFolder final : public dime::Dataset {
 public:
  struct Options {
    dime::Path root;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Image files (.jpg, .jpeg, .png, .webp, .bmp, .gif, in capitals too) in a folder.\nWhere the folder has "
               "sub-folders, each "
               "is a class: sorted by "
               "name, bytewise, they give the labels from 0 and the class names, and the images may lie at any depth "
               "below. Where it has "
               "none, its images are the rows, without labels. Rows are sorted by class, then by path; a row's key is "
               "its path below "
               "the root. What begins with a dot is passed over.")
        .option("root", &Options::root, "The folder.", dime::required);
  }

  explicit ImageFolder(const Options& o) : root_(o.root) {
    dime::with_name(kName, [&] { list(); });
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(keys_.size()); }
  dime::DatasetInfo info() const override {
    return {.image = true, .label = !class_names_.empty(), .class_names = class_names_};
  }

  std::string where(std::int64_t i) const override {
    return dime::shown_path(root_ / keys_[static_cast<std::size_t>(i)]);
  }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    dime::Row row;
    row.key = keys_[static_cast<std::size_t>(i)];
    const auto refuse = [&](const std::string& problem) {
      throw dime::RowError("[" + std::string(kName) + "] " + dime::printable(row.key) + ": " + problem);
    };
    try {
      row.image = dime::read_file(root_ / row.key);
    } catch (const dime::IoError& e) {
      refuse(e.what());
    }
    if (row.image.empty()) refuse("the file is empty");
    if (!class_names_.empty()) row.label = label_of(i);
    return row;
  }

 private:
  void list() {
    for (const auto& entry : files::entries_of(root_)) {
      const std::string name = entry.path().filename().string();
      if (files::type_of(entry) == std::filesystem::file_type::directory) {
        class_names_.push_back(name);
      } else if (files::is_image(entry)) {
        keys_.push_back(name);
      }
    }
    if (!class_names_.empty() && !keys_.empty()) {
      throw dime::DataError(dime::shown_path(root_) + " holds both images (" + dime::printable(keys_[0]) +
                            ") and folders (" + dime::printable(class_names_[0]) + "): keep one or the other");
    }
    files::Walk walk(root_);
    for (const auto& name : class_names_) list_class(name, walk);
    if (keys_.empty())
      throw dime::DataError(dime::shown_path(root_) + " holds no " + files::extensions_text() + " file");
  }

  void list_class(const std::string& name, files::Walk& walk) {
    const auto first = static_cast<std::ptrdiff_t>(keys_.size());
    walk.images(root_ / name, name, keys_);
    if (size() == first) {
      throw dime::DataError("the class folder " + dime::shown_path(root_ / name) + " holds no " +
                            files::extensions_text() + " file; remove it or fill it");
    }
    std::sort(keys_.begin() + first, keys_.end());
    class_ends_.push_back(size());
  }

  std::int64_t label_of(std::int64_t i) const {
    return std::upper_bound(class_ends_.begin(), class_ends_.end(), i) - class_ends_.begin();
  }

  std::filesystem::path root_;
  std::vector<std::string> keys_;
  std::vector<std::string> class_names_;
  std::vector<std::int64_t> class_ends_;  // by label: one past its last row
};

}  // namespace

DIME_DATASET("image_folder", ImageFolder)
