// SPDX-License-Identifier: Apache-2.0
// One file of weights in memory, in whichever format. Torch-free; nothing in a file is ever executed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.hpp"

namespace dime::io {

enum class WeightsFormat { safetensors, checkpoint, script };

/// What a file of weights holds. The tensors' data lie in the bytes that were parsed.
struct WeightsContent {
  WeightsFormat format = WeightsFormat::safetensors;
  std::string part;                 ///< of a checkpoint: the dictionary that holds the weights, "" for the outermost
  std::vector<TensorView> tensors;  ///< in order of name, none twice
  Metadata metadata;
};

/// Whether `bytes` begin as a safetensors file does: the length of a header that lies in them, and its brace.
bool is_safetensors(std::string_view bytes);

/// Reads a safetensors file, a PyTorch checkpoint or a TorchScript archive, told by its content. `file` is what
/// messages call it.
/// Throws WeightsError for what is none of them, or damaged; the message of a known format that is not read (one of
/// PyTorch before 1.6) says how to save it anew.
WeightsContent parse_weights(std::string_view bytes, const std::string& file);

}  // namespace dime::io
