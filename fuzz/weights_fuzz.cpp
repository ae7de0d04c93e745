// SPDX-License-Identifier: Apache-2.0
// Any bytes give tensors that lie in the file, or a WeightsError; an index of shards likewise.
#include <cstdlib>

#include <dime/error.hpp>

#include "io/shard_index.hpp"
#include "io/weights_content.hpp"

namespace {

// Whether every element of a tensor lies in the file.
bool lies_in(const dime::io::TensorView& tensor, const std::uint8_t* data, std::size_t size) {
  if (tensor.bytes == 0) return true;
  std::size_t end = tensor.bytes;
  if (!tensor.strides.empty()) {
    end = 1;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      end += static_cast<std::size_t>(tensor.shape[i] - 1) * static_cast<std::size_t>(tensor.strides[i]);
    }
    end *= dime::io::dtype_bytes(tensor.dtype);
  }
  return tensor.data >= data && end <= size && tensor.data + end <= data + size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    if (!dime::io::is_safetensors(bytes) && dime::io::is_json(bytes)) {
      for (const auto& [name, file] : dime::io::parse_shard_index(bytes, "fuzz")) {
        if (file.find('/') != std::string::npos) std::abort();
      }
      return 0;
    }
    const dime::io::TensorView* last = nullptr;
    const auto content = dime::io::parse_weights(bytes, "fuzz");
    for (const auto& tensor : content.tensors) {
      if (!lies_in(tensor, data, size) || (last != nullptr && last->name >= tensor.name)) std::abort();
      last = &tensor;
    }
  } catch (const dime::WeightsError&) {
  }
  return 0;
}
