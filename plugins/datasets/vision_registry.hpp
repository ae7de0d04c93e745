// SPDX-License-Identifier: Apache-2.0
// The JSON in which vision-datasets registers data sets: where the files of one are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/schema.hpp>

#include "image_manifest.hpp"
#include "json_fields.hpp"
#include "shown_path.hpp"
#include "small_letters.hpp"

namespace dime {

/// The files of one split of a data set.
struct VisionFiles {
  std::filesystem::path index;
  std::filesystem::path root;            ///< where the paths of the index begin
  std::filesystem::path labels;          ///< the label map; empty without one
  bool coco = false;                     ///< whether the index is COCO's JSON
  std::optional<std::int64_t> images{};  ///< how many the split should have
};

/// A registry: a JSON list of data sets.
class VisionRegistry {
 public:
  /// Throws IoError, or DataError when the file is no JSON list.
  explicit VisionRegistry(const std::filesystem::path& path)
      : path_(path), file_(shown_path(path)), json_(read_json(path)) {
    if (!json_.is_array()) throw DataError(file_ + " is no registry: it should be a JSON list of data sets");
  }

  /// The files of a split ("train", "val", "test") of the data set `name`; of its last version where none is asked for.
  /// Their folders lie in `root`; in the registry's own where that is empty. Throws DataError.
  VisionFiles files(const std::string& name, const std::string& split, std::optional<std::int64_t> version,
                    const std::filesystem::path& root) const {
    const JsonFields set = find(name, version);
    const std::string type = small_letters(set.string("type")), format = small_letters(set.string_or("format", "iris"));
    const std::vector<std::string> known = types();
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      set.refuse("(" + shown(name) + ") is of the type " + shown(type) + "; read are " + join(known));
    }
    if (format != "iris" && format != "coco") {
      set.refuse("(" + shown(name) + ") has the format " + shown(format) + "; read are iris, coco");
    }
    if (!set.has(split.c_str())) refuse_split(set, name, split);
    const JsonFields part = set.object(split);
    VisionFiles files;
    files.root = (root.empty() ? path_.parent_path() : root) / slashed(set.string_or("root_folder", ""));
    files.index = files.root / slashed(part.string("index_path"));
    files.coco = format == "coco";
    if (!files.coco && set.has("labelmap")) files.labels = files.root / slashed(set.string("labelmap"));
    if (part.has("num_images")) files.images = part.integer("num_images");
    return files;
  }

 private:
  static std::string shown(const std::string& text) { return "\"" + printable(text, longest_shown) + "\""; }
  static std::string slashed(const std::string& path) { return ImageManifest::with_slashes(path); }
  /// Those of single images with classes, by their names of today and of old.
  static std::vector<std::string> types() {
    return {"image_classification_multiclass", "image_classification_multilabel", "classification_multiclass",
            "classification_multilabel"};
  }

  JsonFields set_at(std::size_t n) const { return {json_[n], file_, "", n}; }
  static std::int64_t version_of(const JsonFields& set) { return set.has("version") ? set.integer("version") : 1; }

  JsonFields find(const std::string& name, std::optional<std::int64_t> version) const {
    std::vector<std::string> names, versions;
    std::optional<std::size_t> found;
    for (std::size_t n = 0; n < json_.size(); ++n) {
      const JsonFields set = set_at(n);
      if (std::find(names.begin(), names.end(), set.string("name")) == names.end()) names.push_back(set.string("name"));
      if (set.string("name") != name) continue;
      versions.push_back(std::to_string(version_of(set)));
      if (version && version_of(set) != *version) continue;
      if (!found || version_of(set) >= version_of(set_at(*found))) found = n;
    }
    if (found) return set_at(*found);
    if (!versions.empty()) {
      throw DataError(file_ + " has no version " + std::to_string(*version) + " of " + shown(name) +
                      "; it has: " + join(versions));
    }
    refuse_name(name, names);
  }

  [[noreturn]] void refuse_name(const std::string& name, const std::vector<std::string>& names) const {
    constexpr std::size_t longest_list = 1000;
    const std::string nearest = nearest_name(name, names);
    throw DataError(file_ + " has no data set " + shown(name) +
                    (nearest.empty() ? "" : " (did you mean " + shown(nearest) + "?)") +
                    (names.empty() ? "; it is empty" : "; it has: " + printable(join(names), longest_list)));
  }

  [[noreturn]] static void refuse_split(const JsonFields& set, const std::string& name, const std::string& split) {
    std::vector<std::string> splits;
    for (const char* known : {"train", "val", "test"}) {
      if (set.has(known)) splits.emplace_back(known);
    }
    set.refuse("(" + shown(name) + ") has no split \"" + split + "\"" +
               (splits.empty() ? "" : "; it has: " + join(splits)));
  }

  std::filesystem::path path_;
  std::string file_;
  nlohmann::json json_;
};

}  // namespace dime
