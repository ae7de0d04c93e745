// SPDX-License-Identifier: Apache-2.0
#include "io/strided.hpp"

#include <cstring>

namespace dime::io {
namespace {

// Copies the part of the tensor that dimension `i` and those after it make up; returns where it ends in `out`.
std::uint8_t* copy_from(const TensorView& tensor, std::size_t i, const std::uint8_t* from, std::uint8_t* out) {
  const std::size_t element = dtype_bytes(tensor.dtype);
  if (i == tensor.shape.size()) {
    std::memcpy(out, from, element);
    return out + element;
  }
  const auto step = static_cast<std::ptrdiff_t>(tensor.strides[i]) * static_cast<std::ptrdiff_t>(element);
  for (std::int64_t n = 0; n < tensor.shape[i]; ++n) out = copy_from(tensor, i + 1, from + n * step, out);
  return out;
}

}  // namespace

void copy_elements(const TensorView& tensor, std::uint8_t* out) {
  if (tensor.bytes == 0) return;
  if (tensor.strides.empty()) {
    std::memcpy(out, tensor.data, tensor.bytes);
  } else {
    copy_from(tensor, 0, tensor.data, out);
  }
}

}  // namespace dime::io
