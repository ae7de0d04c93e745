// SPDX-License-Identifier: Apache-2.0
// Classified images in COCO's JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/text_row.hpp>

#include "image_manifest.hpp"
#include "index_text.hpp"
#include "json_fields.hpp"
#include "shown_path.hpp"

namespace dime {

/// The images of a COCO file, in the order of their ids, and its categories: in the order of their ids, they are the
/// classes. An image's path is `zip_file@file_name`, or `file_name`; its place is its number in the list `images`.
class CocoClasses {
 public:
  /// Throws IoError, or DataError that names the file and the element of a list.
  explicit CocoClasses(const std::filesystem::path& path) : file_(shown_path(path)), json_(read_json(path)) {
    read_categories();
    read_images();
    read_annotations();
    make_rows();
    json_ = nullptr;
  }

  ImageManifest& images() { return rows_; }
  LabelMap& classes() { return classes_; }

 private:
  static constexpr std::int32_t none = -2;

  struct Image {
    std::int64_t id;
    std::size_t number;
    std::int32_t label;
  };

  const nlohmann::json& list(const char* name) const {
    if (!json_.is_object() || !json_.contains(name) || !json_[name].is_array()) {
      throw DataError(file_ + " is no COCO file: it has no list \"" + name + "\"");
    }
    return json_[name];
  }

  /// Calls `use(fields, number)` for each object of a list.
  template <class F>
  void for_each(const char* name, F&& use) const {
    const nlohmann::json& objects = list(name);
    for (std::size_t n = 0; n < objects.size(); ++n) use(JsonFields(objects[n], file_, name, n), n);
  }

  void read_categories() {
    std::map<std::int64_t, std::string> names;
    std::map<std::string, std::size_t> numbers;
    for_each("categories", [&](const JsonFields& category, std::size_t number) {
      const std::string name = category.string("name");
      if (strip(name).empty()) category.refuse("has a blank \"name\"");
      if (!names.emplace(category.integer("id"), name).second) category.refuse("has the id of one before it");
      if (const auto [first, is_new] = numbers.emplace(name, number); !is_new) {
        category.refuse("has the name of categories[" + std::to_string(first->second) + "], \"" +
                        printable(name, longest_shown) + "\": give each class a name of its own");
      }
    });
    if (names.empty()) throw DataError(file_ + " has no categories");
    classes_.from = file_;
    for (auto& [id, name] : names) {
      labels_.emplace(id, static_cast<std::int32_t>(classes_.names.size()));
      classes_.names.push_back(std::move(name));
    }
  }

  void read_images() {
    for_each("images", [&](const JsonFields& image, std::size_t number) {
      images_.push_back({image.integer("id"), number, none});
    });
    if (images_.empty()) throw DataError(file_ + " lists no image");
    std::sort(images_.begin(), images_.end(), [](const Image& a, const Image& b) { return a.id < b.id; });
    const auto twice =
        std::adjacent_find(images_.begin(), images_.end(), [](const Image& a, const Image& b) { return a.id == b.id; });
    if (twice != images_.end()) {
      throw DataError(file_ + ": two images have the id " + std::to_string(twice->id) + ": give each its own");
    }
  }

  void read_annotations() {
    for_each("annotations", [&](const JsonFields& annotation, std::size_t) {
      const std::int64_t id = annotation.integer("image_id"), category = annotation.integer("category_id");
      const auto image = std::lower_bound(images_.begin(), images_.end(), id,
                                          [](const Image& a, std::int64_t wanted) { return a.id < wanted; });
      if (image == images_.end() || image->id != id) {
        annotation.refuse("is of the image " + std::to_string(id) + ", which there is not");
      }
      const auto label = labels_.find(category);
      if (label == labels_.end()) {
        annotation.refuse("is of the category " + std::to_string(category) + ", which there is not");
      }
      image->label = image->label == none ? label->second : ImageManifest::several;
    });
  }

  void make_rows() {
    const nlohmann::json& objects = list("images");
    for (const Image& image : images_) {
      const JsonFields fields(objects[image.number], file_, "images", image.number);
      if (image.label == none) fields.refuse("has no annotation, and so no label");
      const std::string archive = fields.string_or("zip_file", "");
      const std::string path = archive + (archive.empty() ? "" : "@") + fields.string("file_name");
      try {
        rows_.append(path, image.label, image.number);
      } catch (const DataError& e) {
        fields.refuse(std::string("cannot be read: ") + e.what());
      }
    }
  }

  std::string file_;
  nlohmann::json json_;
  LabelMap classes_;
  std::unordered_map<std::int64_t, std::int32_t> labels_;
  std::vector<Image> images_;
  ImageManifest rows_;
};

}  // namespace dime
