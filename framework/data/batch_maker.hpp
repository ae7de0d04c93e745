// SPDX-License-Identifier: Apache-2.0
// Fills the slots of a batch from rows: decode, augment, tokenise. Decode threads never call ATen: they write through
// plain pointers into tensors that the calling thread allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/batch.hpp"
#include "data/image_path.hpp"
#include "data/order.hpp"
#include "data/stage_times.hpp"
#include "data/transform.hpp"
#include "io/tokenizer_base.hpp"

#include <dime/dataset.hpp>

namespace dime {

/// What the slots of a batch hold.
struct BatchContent {
  std::string stream;  ///< "images", "texts" or "pairs": for messages and keys
  bool pixels = false;
  int image_size = 0;             ///< height and width of `pixels`
  bool exif_orientation = false;  ///< whether images are turned as their EXIF orientation says
  bool channels_last = false;     ///< whether `pixels` lie in memory as [B, H, W, 3]
  bool tokens = false;
  std::int64_t context = 0;
  bool vectors = false;
  std::int64_t vector_width = 0;
  bool labels = false;
  bool keys_differ = false;  ///< see JoinedRows
  bool pinned = false;       ///< page-locked memory, for copies to a GPU
};

/// The rows of a batch by slot; `retry` > 0 asks for the stand-ins of a broken row.
using SlotRow = std::function<RowId(std::int64_t slot, int retry)>;

class BatchMaker {
 public:
  static constexpr int kRetries = 8;

  /// `sources` are indexed by RowId::source. `tokenizer` may be null when `content.tokens` is false.
  /// `times`, where it is given, receives what the stages take, and outlives the maker.
  BatchMaker(BatchContent content, std::vector<std::shared_ptr<const Dataset>> sources, TransformList transform,
             std::shared_ptr<const Tokenizer> tokenizer, std::uint64_t key, StageTimes* times = nullptr);

  /// An empty batch with tensors for `rows` rows. Calls ATen: not for decode threads.
  StreamBatch allocate(std::int64_t rows) const;
  /// Fills one slot; safe from many threads for different slots. `broken` receives the rows that did not read.
  /// Throws RowError when `retries` stand-ins are broken too; with 0 retries, when the row itself is.
  void fill(StreamBatch& batch, std::int64_t slot, const SlotRow& row, std::vector<BrokenRow>& broken,
            int retries = kRetries) const;
  /// Tells the source of a block that its rows will be asked for soon. Throws nothing; safe from many threads.
  void will_need(const RowBlock& block) const;
  const BatchContent& content() const { return content_; }
  /// What receives the time of the stages, or null.
  StageTimes* times() const { return times_; }

 private:
  void fill_row(StreamBatch& batch, std::int64_t slot, const RowId& id) const;
  Row read_row(const RowId& id) const;
  const Dataset& source(const RowId& id) const { return *sources_[static_cast<std::size_t>(id.source)]; }
  /// The row for messages: its source where there are several, its place and its key.
  std::string name(const RowId& id, const std::string& key) const;
  void fill_pixels(StreamBatch& batch, std::int64_t slot, const Row& row, const RowId& id) const;
  void fill_tokens(StreamBatch& batch, std::int64_t slot, const Row& row, const RowId& id) const;

  BatchContent content_;
  std::vector<std::shared_ptr<const Dataset>> sources_;
  TransformList transform_;
  std::shared_ptr<ImagePath> image_path_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::uint64_t key_;
  StageTimes* times_;
};

}  // namespace dime
