// SPDX-License-Identifier: Apache-2.0
// What a stream hands to a step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

namespace dime {

/// A row that did not read, and the row that took its place.
struct BrokenRow {
  std::string stream;
  std::string reason;       ///< one line, with the row's own key and place
  std::string replacement;  ///< the key of the row that filled the slot, printable
  int retry = 0;            ///< 0 for the slot's own row, else the number of the stand-in
};

/// Rows of one stream; a tensor that the stream does not give is undefined.
struct StreamBatch {
  std::int64_t index = 0;  ///< the batch's number since the start of training
  double epoch = 0;        ///< passes over the stream when this batch is done
  torch::Tensor pixels;    ///< [B, 3, H, W] float32, normalised
  torch::Tensor tokens;    ///< [B, context] int64
  torch::Tensor vectors;   ///< [B, d] float32: the teacher's stored vectors
  torch::Tensor labels;    ///< [B] int64
  std::vector<std::string> keys;
  std::vector<BrokenRow> broken;

  std::int64_t size() const { return static_cast<std::int64_t>(keys.size()); }
};

/// One step's data.
struct Batch {
  StreamBatch images;
  StreamBatch texts;
  StreamBatch pairs;
};

}  // namespace dime
