// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/read_file.hpp>

namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "dataset/image_folder";

bool hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_image(const fs::directory_entry& entry) {
  std::string extension = entry.path().extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return (extension == ".jpg" || extension == ".jpeg" || extension == ".png") && !hidden(entry.path()) &&
         entry.is_regular_file();
}

std::vector<std::string> class_folders(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory() && !hidden(entry.path())) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <class Iterator>
std::vector<std::string> images_in(Iterator files, const fs::path& root) {
  std::vector<std::string> keys;
  for (const auto& entry : files) {
    if (is_image(entry)) keys.push_back(entry.path().lexically_relative(root).generic_string());
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

class ImageFolder final : public dime::Dataset {
 public:
  struct Options {
    dime::Path root;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Image files (.jpg, .jpeg, .png, in capitals too) in a folder.\nWhere the folder has sub-folders, each "
               "is a class: sorted by "
               "name, bytewise, they give the labels from 0 and the class names, and the images may lie at any depth "
               "below. Where it has "
               "none, its images are the rows, without labels. Rows are sorted by class, then by path; a row's key is "
               "its path below "
               "the root. What begins with a dot is passed over.")
        .option("root", &Options::root, "The folder.", dime::required);
  }

  explicit ImageFolder(const Options& o) : root_(o.root) {
    dime::with_name(kName, [&] {
      try {
        list();
      } catch (const fs::filesystem_error& e) {
        throw dime::DataError("cannot read the folder " + e.path1().string() + ": " + e.code().message());
      }
    });
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(keys_.size()); }
  dime::DatasetInfo info() const override {
    return {.image = true, .label = !class_names_.empty(), .class_names = class_names_};
  }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    dime::Row row;
    row.key = keys_[static_cast<std::size_t>(i)];
    try {
      row.image = dime::read_file(root_ / row.key);
    } catch (const dime::IoError& e) {
      throw dime::RowError("[" + std::string(kName) + "] " + row.key + ": " + e.what());
    }
    if (row.image.empty()) throw dime::RowError("[" + std::string(kName) + "] " + row.key + ": the file is empty");
    if (!class_names_.empty()) row.label = label_of(i);
    return row;
  }

 private:
  void list() {
    class_names_ = class_folders(root_);
    keys_ = images_in(fs::directory_iterator(root_), root_);
    if (!class_names_.empty() && !keys_.empty()) {
      throw dime::DataError(root_.string() + " holds both images (" + keys_[0] + ") and folders (" + class_names_[0] +
                            "): keep one or the other");
    }
    for (const auto& name : class_names_) list_class(name);
    if (keys_.empty()) throw dime::DataError(root_.string() + " holds no .jpg, .jpeg or .png file");
  }

  void list_class(const std::string& name) {
    constexpr auto follow = fs::directory_options::follow_directory_symlink;
    const auto keys = images_in(fs::recursive_directory_iterator(root_ / name, follow), root_);
    if (keys.empty()) {
      throw dime::DataError("the class folder " + (root_ / name).string() +
                            " holds no .jpg, .jpeg or .png file; remove it or fill it");
    }
    keys_.insert(keys_.end(), keys.begin(), keys.end());
    class_ends_.push_back(size());
  }

  std::int64_t label_of(std::int64_t i) const {
    return std::upper_bound(class_ends_.begin(), class_ends_.end(), i) - class_ends_.begin();
  }

  fs::path root_;
  std::vector<std::string> keys_;
  std::vector<std::string> class_names_;
  std::vector<std::int64_t> class_ends_;  // by label: one past its last row
};

}  // namespace

DIME_DATASET("image_folder", ImageFolder)
