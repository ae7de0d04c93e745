// SPDX-License-Identifier: Apache-2.0
// What a data source gives: rows by number, from many threads. Torch-free.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <dime/api.hpp>
#include <dime/error.hpp>
#include <dime/plugin.hpp>
#include <dime/schema.hpp>

namespace dime {

/// The shape of pixels that are stored as they are: uint8, row by row, channels last (1 grey, 3 RGB).
struct PixelShape {
  int height = 0;
  int width = 0;
  int channels = 0;
};

/// One row of a source; any part may be absent.
struct Row {
  std::string key;                    ///< names the row in logs; unique within its source where the format allows
  std::vector<std::uint8_t> image;    ///< an encoded image (JPEG, PNG), or raw pixels when `pixels` is set
  std::optional<PixelShape> pixels;   ///< set when `image` holds raw pixels
  std::vector<std::string> texts;     ///< the strings that this row may stand for; the stream draws one
  std::vector<float> vector;          ///< a stored feature vector
  std::optional<std::int64_t> label;  ///< the class, counted from 0
};

/// What every row of a source has, known before the first is read.
struct DatasetInfo {
  bool image = false;
  bool text = false;
  bool label = false;
  std::int64_t vector_width = 0;           ///< 0: no vectors
  std::vector<std::string> class_names{};  ///< by label; empty where the source knows none
};

/// A data source. Order, mixing, decoding and batching are the streams' business.
class DIME_API Dataset {
 public:
  virtual ~Dataset() = default;
  /// The number of rows.
  virtual std::int64_t size() const = 0;
  /// Row i, 0 <= i < size(). Safe from many threads at once. Throws RowError (with the row's key) when the row is
  /// broken.
  virtual Row get(std::int64_t i) const = 0;
  /// What the rows have.
  virtual DatasetInfo info() const = 0;
  /// Where row i lies, for messages about what the row holds: its file and place there, as far as the source knows
  /// them. 0 <= i < size(); safe from many threads at once, and for a broken row too.
  virtual std::string where(std::int64_t i) const { return "row " + std::to_string(i); }
  /// Rows first to first + count - 1, which exist, will be asked for soon and in any order: a source on slow storage
  /// may have them fetched. Safe from many threads at once. What it throws is ignored: reading the rows will tell.
  virtual void will_need(std::int64_t /*first*/, std::int64_t /*count*/) const {}
};

}  // namespace dime

/// Exports class T (constructed from its Options, with `static Schema<Options> schema()`) as dataset `name`.
#define DIME_DATASET(name, T) DIME_EXPORT_PLUGIN(dataset, name, T)
