// SPDX-License-Identifier: Apache-2.0
#include <dime/base64.hpp>
#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/tsv_source.hpp>

namespace {

constexpr const char* kName = "dataset/tsv_images";

class TsvImages final : public dime::Dataset {
 public:
  using Options = dime::ShardOptions;

  static dime::Schema<Options> schema() {
    return dime::shard_schema<Options>(
        "Encoded images (JPEG, PNG, WebP, BMP, GIF) in TSV shards, one a row: `key \\t base64 of the file \\n`.\n"
        "Beside STEM.tsv may lie STEM.lineidx, the byte offset of each row, one a line (made once when it is "
        "absent), and "
        "STEM.linelist, the numbers of the rows to keep, used in ascending order. A row is found in constant "
        "time. "
        "Row i belongs to row i of the tsv_features that are listed in the same order.");
  }

  explicit TsvImages(const Options& o) : shards_(dime::open_shards(kName, o)) {}

  std::int64_t size() const override { return shards_.size(); }
  dime::DatasetInfo info() const override { return {.image = true}; }
  std::string where(std::int64_t i) const override { return shards_.where(i); }
  void will_need(std::int64_t first, std::int64_t count) const override { shards_.will_need(first, count); }

  dime::Row get(std::int64_t i) const override {
    return dime::with_name(kName, [&] {
      dime::check_row(kName, i, size());
      const dime::TsvRow stored = shards_.row(i);
      if (stored.payload.empty()) throw dime::RowError(dime::where(stored) + ": the image is empty");
      dime::Row row;
      row.key = stored.key;
      try {
        dime::base64_decode(stored.payload, row.image);
      } catch (const dime::DataError& e) {
        throw dime::RowError(dime::where(stored) + ": " + e.what());
      }
      return row;
    });
  }

 private:
  dime::TsvShards shards_;
};

}  // namespace

DIME_DATASET("tsv_images", TsvImages)
