// SPDX-License-Identifier: Apache-2.0
// Any bytes give tensors that lie in the file, or a WeightsError.
#include <cstdlib>

#include <dime/error.hpp>

#include "io/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    for (const auto& tensor :
         dime::io::parse_safetensors({reinterpret_cast<const char*>(data), size}, "fuzz").tensors) {
      if (tensor.data < data || tensor.bytes > size || tensor.data + tensor.bytes > data + size) std::abort();
    }
  } catch (const dime::WeightsError&) {
  }
  return 0;
}
