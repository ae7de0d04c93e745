// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>

#include <dime/base64.hpp>
#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/tsv_source.hpp>

namespace {

static_assert(std::endian::native == std::endian::little, "stored vectors are little endian");

constexpr const char* kName = "dataset/tsv_features";
constexpr std::size_t kRoom = std::size_t{16} << 10;

std::vector<float> decode_vector(const dime::TsvRow& stored) {
  const auto refuse = [&](const std::string& problem) { throw dime::RowError(where(stored) + ": " + problem); };
  std::vector<float> vector;
  try {
    const std::size_t bytes = dime::base64_decoded_size(stored.payload);
    if (bytes == 0) refuse("the vector is empty");
    if (bytes % sizeof(float) != 0) refuse(std::to_string(bytes) + " bytes are no whole number of float32");
    vector.resize(bytes / sizeof(float));
    dime::base64_decode(stored.payload, reinterpret_cast<std::uint8_t*>(vector.data()));
  } catch (const dime::RowError&) {
    throw;
  } catch (const dime::DataError& e) {
    refuse(e.what());
  }
  return vector;
}

class TsvFeatures final : public dime::Dataset {
 public:
  struct Options : dime::ShardOptions {
    std::optional<std::int64_t> width;
  };

  static dime::Schema<Options> schema() {
    return dime::shard_schema<Options>(
               "Stored feature vectors in TSV shards, one a row: `key \\t base64 of little-endian float32 \\n`; "
               "indexes as for "
               "tsv_images.\nEvery vector has the width of row 0. A vector that is of another width, not finite or all "
               "zeros, or whose norm float32 does not hold, is a broken row. "
               "Row i belongs to row i of the images or texts that are listed in the same order.")
        .option("width", &Options::width,
                "The numbers in a vector, checked against row 0; row 0 decides when it is not given.",
                dime::Range{1, 1 << 24});
  }

  explicit TsvFeatures(const Options& o) : shards_(dime::open_shards(kName, o)) {
    dime::with_name(kName, [&] { find_width(o); });
  }

  std::int64_t size() const override { return shards_.size(); }
  dime::DatasetInfo info() const override { return {.vector_width = width_}; }
  std::string where(std::int64_t i) const override { return shards_.where(i); }
  void will_need(std::int64_t first, std::int64_t count) const override { shards_.will_need(first, count); }

  dime::Row get(std::int64_t i) const override {
    return dime::with_name(kName, [&] {
      dime::check_row(kName, i, size());
      std::array<char, kRoom> room;  // not set: a row of this size would take as long to clear as to read
      const dime::TsvRow stored = shards_.row(i, room);
      dime::Row row;
      row.key = stored.key;
      row.vector = decode_vector(stored);
      if (static_cast<std::int64_t>(row.vector.size()) != width_) {
        throw dime::RowError(dime::where(stored) + ": the vector has " + std::to_string(row.vector.size()) +
                             " numbers, but row 0 (" + shards_.where(0) + ") has " + std::to_string(width_));
      }
      const std::string problem = dime::vector_problem(row.vector);
      if (!problem.empty()) throw dime::RowError(dime::where(stored) + ": " + problem);
      return row;
    });
  }

 private:
  // A source whose first row does not decode is refused as a whole: nothing else tells its width.
  void find_width(const Options& o) {
    const dime::TsvRow first = shards_.row(0);
    try {
      width_ = static_cast<std::int64_t>(decode_vector(first).size());
    } catch (const dime::RowError& e) {
      throw dime::DataError(e.what());
    }
    if (o.width && *o.width != width_) {
      throw dime::DataError(dime::where(first) + ": the vector has " + std::to_string(width_) +
                            " numbers, but the option width is " + std::to_string(*o.width));
    }
  }

  dime::TsvShards shards_;
  std::int64_t width_ = 0;
};

}  // namespace

DIME_DATASET("tsv_features", TsvFeatures)
