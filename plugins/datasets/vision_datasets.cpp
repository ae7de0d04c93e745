// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>

#include "class_texts.hpp"
#include "coco_classes.hpp"
#include "image_manifest.hpp"
#include "index_text.hpp"
#include "shown_path.hpp"
#include "vision_registry.hpp"
#include "zip_pool.hpp"

namespace {

constexpr const char* kName = "dataset/vision_datasets";

class VisionDatasets final : public dime::Dataset {
 public:
  struct Options {
    dime::Path index;
    dime::Path registry;
    std::string name;
    std::string split;
    std::optional<std::int64_t> version;
    dime::Path root;
    dime::Path labels;
    std::vector<std::string> templates;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Classified images as the Python package vision-datasets lists them, ELEVATER's form: an index whose "
               "lines are `PATH LABEL`, where PATH is that of a file or `archive.zip@member` and LABEL counts from 0, "
               "and a label map, one class name a line. The path may hold spaces; its first @ ends the archive's "
               "name. Or COCO's JSON, with `images` (`id`, `file_name`, and `zip_file` where they lie in an archive), "
               "`annotations` (`image_id`, `category_id`) and `categories`, which in the order of their ids are the "
               "classes. The files are named by `index`, or found by `name` and `split` in a `registry`, the "
               "package's JSON list of data sets.\n"
               "A row has one label: one with several (`PATH 3,7`, two annotations) is a broken row, and one with "
               "none is refused. Archives are read where they lie, stored or deflated members of up to 1 GiB; all "
               "must be there when the run starts, and stay as they are. The index is kept in memory: its text, and "
               "32 bytes a row. A row's key is its PATH. With `templates` a row also stands for the texts that its "
               "class name gives in each template.\n"
               "Source: Li et al., ELEVATER: A Benchmark and Toolkit for Evaluating Language-Augmented Visual Models, "
               "2022; vision-datasets 1.0.")
        .option("index", &Options::index, "The index; one whose name ends in .json is COCO's.")
        .option("registry", &Options::registry, "The JSON list of data sets, in the place of `index`.")
        .option("name", &Options::name, "The data set's name in the registry.")
        .option("split", &Options::split, "Which of its splits.", dime::one_of({"train", "val", "test"}))
        .option("version", &Options::version, "Which of its versions; the last one when it is not given.")
        .option("root", &Options::root,
                "The folder where the paths of the index begin; for a registry, the one where its data sets' folders "
                "lie. When it is not given, the folder of the index or of the registry.")
        .option("labels", &Options::labels, "The label map; for a registry, in the place of the one that it names.")
        .option("templates", &Options::templates, "Prompt templates, each with {} where the class name goes.");
  }

  explicit VisionDatasets(const Options& o) {
    dime::with_name(kName, [&] {
      const dime::VisionFiles files = files_of(o);
      index_ = files.index;
      root_ = files.root;
      coco_ = files.coco;
      read(files, o);
      if (files.images && *files.images != size()) {
        throw dime::DataError(dime::shown_path(files.index) + " lists " + std::to_string(size()) + " images, but " +
                              dime::shown_path(o.registry) + " says that there are " + std::to_string(*files.images) +
                              ": one of the two is not whole");
      }
      open_archives();
    });
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(images_.size()); }
  dime::DatasetInfo info() const override {
    return {.image = true, .text = classes_.gives_texts(), .label = true, .class_names = classes_.names()};
  }

  std::string where(std::int64_t i) const override {
    return place(dime::shown_path(index_.filename()), static_cast<std::size_t>(i));
  }

  dime::Row get(std::int64_t i) const override {
    dime::check_row(kName, i, size());
    const auto n = static_cast<std::size_t>(i);
    dime::Row row;
    row.key = images_.path(n);
    return dime::with_name(kName, [&] {
      try {
        row.label = label(n);
        row.image = image(n);
      } catch (const dime::RowError& e) {
        throw dime::RowError(dime::printable(row.key) + ": " + e.what());
      }
      classes_.add_texts(*row.label, row.texts);
      return std::move(row);
    });
  }

 private:
  static dime::VisionFiles files_of(const Options& o) {
    if (o.index.empty() == o.registry.empty()) {
      throw dime::DataError("give either index, or registry with name and split");
    }
    if (!o.registry.empty()) {
      if (o.name.empty() || o.split.empty()) throw dime::DataError("registry needs name and split");
      dime::VisionFiles files = dime::VisionRegistry(o.registry).files(o.name, o.split, o.version, o.root);
      if (!o.labels.empty()) files.labels = o.labels;
      return files;
    }
    if (!o.name.empty() || !o.split.empty() || o.version) {
      throw dime::DataError("name, split and version are of a registry, but index is given");
    }
    const std::filesystem::path root = o.root.empty() ? o.index.parent_path() : std::filesystem::path(o.root);
    return {o.index, root, o.labels, o.index.extension() == ".json"};
  }

  void read(const dime::VisionFiles& files, const Options& o) {
    if (coco_ && !files.labels.empty()) {
      throw dime::DataError("labels are not for " + dime::shown_path(files.index) +
                            ": a COCO file has the classes itself");
    }
    dime::LabelMap map;
    if (coco_) {
      dime::CocoClasses coco(files.index);
      images_ = std::move(coco.images());
      map = std::move(coco.classes());
    } else {
      if (!files.labels.empty()) map = dime::read_label_map(files.labels);
      images_ = dime::read_index(files.index, map);
    }
    if (map.names.empty() && !o.templates.empty()) throw dime::DataError("templates need class names: give labels");
    classes_ = {std::move(map.names), o.templates};
  }

  void open_archives() {
    for (const auto& archive : images_.archives()) {
      try {
        zips_.add(root_ / dime::ImageManifest::with_slashes(archive.name));
      } catch (const dime::Error& e) {
        throw dime::DataError(place(dime::shown_path(index_), archive.first_row) + ": " + e.what());
      }
    }
  }

  std::string place(const std::string& index, std::size_t n) const {
    const std::string number = std::to_string(images_.place(n));
    return coco_ ? index + ": images[" + number + "]" : index + ":" + number;
  }

  std::int64_t label(std::size_t n) const {
    if (images_.label(n) == dime::ImageManifest::several) throw dime::RowError("it has several labels, not one");
    return images_.label(n);
  }

  std::vector<std::uint8_t> image(std::size_t n) const {
    const auto archive = images_.archive(n);
    std::vector<std::uint8_t> bytes;
    try {
      bytes = archive ? zips_.read(*archive, images_.member(n))
                      : dime::read_file(root_ / dime::ImageManifest::with_slashes(images_.path(n)));
    } catch (const dime::Error& e) {
      // All was there when the run began: what is not there now, or has changed, is missing in this row.
      throw dime::RowError(e.what());
    }
    if (bytes.empty()) throw dime::RowError("the file is empty");
    return bytes;
  }

  std::filesystem::path index_;
  std::filesystem::path root_;
  bool coco_ = false;
  dime::ImageManifest images_;
  dime::ClassTexts classes_;
  dime::ZipPool zips_;
};

}  // namespace

DIME_DATASET("vision_datasets", VisionDatasets)
