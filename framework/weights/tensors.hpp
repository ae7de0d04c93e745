// SPDX-License-Identifier: Apache-2.0
// Tensors of a file as LibTorch's, without a second copy where the file's bytes allow it.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "weights/name_map.hpp"

namespace dime {

at::ScalarType scalar_type(io::DType dtype);
/// Throws WeightsError for a type that files of weights do not have.
io::DType dtype_of(const at::Tensor& tensor);

/// The tensor on the file's own bytes, strided as they lie, or a copy where they are not aligned to its elements. The
/// view's file must outlive it; it must not be written.
at::Tensor tensor_of(const io::TensorView& view);

/// Copies the parts into `to`, in place, converting between types. `to` must have the shape that mapped_shape gave.
void copy_parts(const MappedTensor& from, const at::Tensor& to);

/// The tensor put together, of the type of its first part; on the file's bytes where it is one part. `wanted` as of
/// mapped_shape. Throws WeightsError when the parts cannot be put together.
at::Tensor assembled(const MappedTensor& from, const std::vector<std::int64_t>& wanted = {});

}  // namespace dime
