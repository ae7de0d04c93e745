// SPDX-License-Identifier: Apache-2.0
// AdamW through LibTorch's fused kernel, with the reference's parameter groups.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "config/experiment.hpp"

namespace dime {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// Whether weight decay applies: not to tensors of one dimension, biases, position tables and token embeddings.
bool takes_weight_decay(const std::string& name, const torch::Tensor& parameter);

class AdamW {
 public:
  /// Optimises the parameters that require a gradient.
  AdamW(NamedTensors parameters, const OptimizerOptions& options);

  void zero_grad();
  /// One update with rate `lr`; parameters without a gradient keep still.
  void step(double lr);
  /// The gradients that are there.
  std::vector<torch::Tensor> gradients() const;
  /// The moments and step counts, named `exp_avg/NAME`, `exp_avg_sq/NAME`, `step/NAME`: for checkpoints.
  NamedTensors state() const;
  const NamedTensors& parameters() const { return parameters_; }

 private:
  struct Group {
    double weight_decay;
    std::vector<std::size_t> members;
  };
  void step_group(const Group& group, double lr);

  NamedTensors parameters_;
  OptimizerOptions options_;
  std::vector<torch::Tensor> exp_avg_;
  std::vector<torch::Tensor> exp_avg_sq_;
  std::vector<torch::Tensor> steps_;
  std::vector<Group> groups_;
};

/// The L2 norm of all gradients together; scales them down to `limit` when it is positive and they are longer.
double clip_gradients(const std::vector<torch::Tensor>& gradients, double limit);

}  // namespace dime
