// SPDX-License-Identifier: Apache-2.0
// Tensors of a safetensors file, and how far two tensors are apart.
#pragma once

#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

#include <torch/types.h>

#include "io/safetensors.hpp"

namespace dime::test {

inline torch::Tensor to_tensor(const io::TensorView& view) {
  const auto type = view.dtype == io::DType::f64   ? at::kDouble
                    : view.dtype == io::DType::i64 ? at::kLong
                    : view.dtype == io::DType::f32 ? at::kFloat
                                                   : throw std::runtime_error("unexpected type of " + view.name);
  auto tensor = at::empty(view.shape, type);
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

/// Every tensor of tests/golden/NAME.
inline std::map<std::string, torch::Tensor> golden_tensors(const std::string& name) {
  const io::SafetensorsFile file(std::string(DIME_TEST_SOURCE_DIR) + "/tests/golden/" + name);
  std::map<std::string, torch::Tensor> all;
  for (const auto& view : file.tensors()) all[view.name] = to_tensor(view);
  return all;
}

/// || a - b || in float64.
inline double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).norm().item<double>();
}

/// || a - b || / || b ||.
inline double relative_distance(const torch::Tensor& a, const torch::Tensor& b) {
  return distance(a, b) / b.detach().to(at::kDouble).norm().item<double>();
}

}  // namespace dime::test
