// SPDX-License-Identifier: Apache-2.0
#include "train/optimizer.hpp"

#include <array>

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

namespace dime {

bool takes_weight_decay(const std::string& name, const torch::Tensor& parameter) {
  static constexpr std::array kPlain{"relative_position_bias_table", "absolute_pos_embed", "positional_embedding",
                                     "token_embedding"};
  if (parameter.dim() <= 1 || name.ends_with(".bias")) return false;
  return std::none_of(kPlain.begin(), kPlain.end(),
                      [&](const char* part) { return name.find(part) != std::string::npos; });
}

AdamW::AdamW(NamedTensors parameters, const OptimizerOptions& options)
    : options_(options), groups_{{options.weight_decay, {}}, {0.0, {}}} {
  for (auto& [name, tensor] : parameters) {
    if (!tensor.requires_grad()) continue;
    groups_[takes_weight_decay(name, tensor) ? 0 : 1].members.push_back(parameters_.size());
    exp_avg_.push_back(torch::zeros_like(tensor));
    exp_avg_sq_.push_back(torch::zeros_like(tensor));
    steps_.push_back(torch::zeros({}, torch::TensorOptions().dtype(torch::kFloat32).device(tensor.device())));
    parameters_.emplace_back(name, tensor);
  }
}

void AdamW::zero_grad() {
  for (auto& [name, tensor] : parameters_) tensor.mutable_grad().reset();
}

void AdamW::step(double lr) {
  const torch::NoGradGuard guard;
  for (const auto& group : groups_) step_group(group, lr);
}

void AdamW::step_group(const Group& group, double lr) {
  std::vector<torch::Tensor> parameters, gradients, averages, squares, steps;
  for (const std::size_t i : group.members) {
    const torch::Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().defined()) continue;
    parameters.push_back(parameter);
    gradients.push_back(parameter.grad());
    averages.push_back(exp_avg_[i]);
    squares.push_back(exp_avg_sq_[i]);
    steps.push_back(steps_[i]);
    steps_[i].add_(1);
  }
  if (parameters.empty()) return;
  at::_fused_adamw_(parameters, gradients, averages, squares, {}, steps, lr, options_.betas[0], options_.betas[1],
                    group.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
}

std::vector<torch::Tensor> AdamW::gradients() const {
  std::vector<torch::Tensor> all;
  for (const auto& [name, tensor] : parameters_) {
    if (tensor.grad().defined()) all.push_back(tensor.grad());
  }
  return all;
}

NamedTensors AdamW::state() const {
  NamedTensors all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    all.emplace_back("exp_avg/" + parameters_[i].first, exp_avg_[i]);
    all.emplace_back("exp_avg_sq/" + parameters_[i].first, exp_avg_sq_[i]);
    all.emplace_back("step/" + parameters_[i].first, steps_[i]);
  }
  return all;
}

double clip_gradients(const std::vector<torch::Tensor>& gradients, double limit) {
  if (gradients.empty()) return 0;
  const torch::NoGradGuard guard;
  const double norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2))).item<double>();
  if (limit > 0 && norm > limit) at::_foreach_mul_(gradients, limit / norm);
  return norm;
}

}  // namespace dime
