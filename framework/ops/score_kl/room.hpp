// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <torch/types.h>

namespace dime::detail {

/// Uninitialised memory for `shape` numbers. Much of it comes in large pages where the system has them: a new page
/// costs as much as computing what it holds a few times over.
torch::Tensor make_room(at::IntArrayRef shape, at::ScalarType type);

template <class Number>
torch::Tensor make_room(at::IntArrayRef shape) {
  return make_room(shape, c10::CppTypeToScalarType<Number>::value);
}

}  // namespace dime::detail
