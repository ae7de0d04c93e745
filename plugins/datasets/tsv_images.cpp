// SPDX-License-Identifier: Apache-2.0
#include <dime/base64.hpp>
#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/tsv.hpp>

namespace {

constexpr const char* kName = "dataset/tsv_images";

class TsvImages final : public dime::Dataset {
 public:
  struct Options {
    dime::Path list;
    dime::Path root;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Encoded images (JPEG, PNG) in TSV shards, one a row: `key \\t base64 of the file \\n`.\n"
               "Beside STEM.tsv may lie STEM.lineidx, the byte offset of each row, one a line (made once when it is "
               "absent), and "
               "STEM.linelist, the numbers of the rows to keep, used in ascending order. A row is found in constant "
               "time. "
               "Row i belongs to row i of the tsv_features that are listed in the same order.")
        .option("list", &Options::list, "A .list file, one shard a line, read in that order; or a single .tsv.",
                dime::required)
        .option("root", &Options::root,
                "The folder that the paths in the list join; the list's own folder when it is not given.");
  }

  explicit TsvImages(const Options& o)
      : shards_(dime::with_name(kName, [&] { return dime::TsvShards(o.list, o.root); })) {}

  std::int64_t size() const override { return shards_.size(); }
  dime::DatasetInfo info() const override { return {.image = true}; }

  dime::Row get(std::int64_t i) const override {
    return dime::with_name(kName, [&] {
      dime::check_row(kName, i, size());
      const dime::TsvRow stored = shards_.row(i);
      if (stored.payload.empty()) throw dime::RowError(where(stored) + ": the image is empty");
      dime::Row row;
      row.key = stored.key;
      try {
        dime::base64_decode(stored.payload, row.image);
      } catch (const dime::DataError& e) {
        throw dime::RowError(where(stored) + ": " + e.what());
      }
      return row;
    });
  }

 private:
  dime::TsvShards shards_;
};

}  // namespace

DIME_DATASET("tsv_images", TsvImages)
