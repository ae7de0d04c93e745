// SPDX-License-Identifier: Apache-2.0
// A forward as in training, and what backward leaves.
#pragma once

#include <vector>

#include <dime/model.hpp>

namespace dime::test {

inline ForwardContext training(std::int64_t first_row = 0) {
  ForwardContext context;
  context.training = true;
  context.seed = 3;
  context.first_row = first_row;
  return context;
}

/// Of all parameters that have one.
inline std::vector<torch::Tensor> gradients(Model& model, const torch::Tensor& vectors) {
  model.zero_grad();
  vectors.square().sum().backward();
  std::vector<torch::Tensor> all;
  for (const auto& p : model.parameters()) {
    if (p.grad().defined()) all.push_back(p.grad().clone());
  }
  return all;
}

}  // namespace dime::test
