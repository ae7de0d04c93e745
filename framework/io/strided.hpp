// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "io/safetensors.hpp"

namespace dime::io {

/// Copies the elements of a tensor to `out`, `tensor.bytes` bytes, in C order, whatever its strides.
void copy_elements(const TensorView& tensor, std::uint8_t* out);

}  // namespace dime::io
