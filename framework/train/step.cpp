// SPDX-License-Identifier: Apache-2.0
#include "train/step.hpp"

#include <chrono>
#include <cmath>

#include <dime/error.hpp>

#include "train/plugin_call.hpp"

namespace dime {

Step::Step(Encoder encoder, std::vector<ActiveLoss> losses, AdamW optimizer, LossScaler scaler, double clip,
           double epoch)
    : encoder_(std::move(encoder)),
      losses_(std::move(losses)),
      optimizer_(std::move(optimizer)),
      scaler_(scaler),
      clip_(clip),
      epoch_(epoch) {}

namespace {

/// Seconds since it was asked last.
class Lap {
 public:
  double operator()() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

std::string not_finite(double x) { return std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf"; }

/// So that the first loss that asks for a score's value computes those of all.
void announce_scores(const std::vector<ActiveLoss>& losses, const LossInput& streams, const LossInput& pairs) {
  for (const auto& active : losses) {
    const auto* loss = dynamic_cast<const ScoreLoss*>(active.loss.get());
    if (loss == nullptr) continue;
    plugin_call("losses." + active.name, [&] { loss->announce(active.on_pairs ? pairs : streams); });
  }
}

}  // namespace

std::vector<std::pair<std::string, torch::Tensor>> evaluate_losses(const std::vector<ActiveLoss>& losses,
                                                                   const LossInput& streams, const LossInput& pairs) {
  std::vector<std::pair<std::string, torch::Tensor>> values;
  ScoreWork of_streams, of_pairs;
  LossInput on_streams = streams, on_pairs = pairs;
  on_streams.scores = &of_streams;
  on_pairs.scores = &of_pairs;
  announce_scores(losses, on_streams, on_pairs);
  for (const auto& active : losses) {
    const std::string name = "losses." + active.name;
    auto value = plugin_call(name, [&] { return active.loss->forward(active.on_pairs ? on_pairs : on_streams); });
    if (!value.defined() || value.numel() != 1 || !value.is_floating_point()) {
      throw ArgumentError(name + ": forward must return a real scalar, not " +
                          (value.defined() ? value.toString() + c10::str(value.sizes()) : "nothing"));
    }
    values.emplace_back(active.name, std::move(value));
  }
  return values;
}

torch::Tensor Step::total(const Encoder::Result& encoded, std::int64_t step, StepResult& result) {
  const auto values = evaluate_losses(losses_, encoded.streams, encoded.pairs);
  torch::Tensor total;
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.losses.emplace_back(values[i].first, values[i].second.item<double>());
    const torch::Tensor part = values[i].second * losses_[i].weight.at(step, epoch_);
    total = total.defined() ? total + part : part;
  }
  result.loss = total.item<double>();
  if (!total.requires_grad()) throw TrainError("no loss depends on the student: the total has no gradient");
  return total;
}

StepResult Step::run(const Batch& batch, std::int64_t step, double lr) {
  StepResult result;
  Lap lap;
  optimizer_.zero_grad();
  auto encoded = encoder_.encode(batch, step);
  result.times.encode = lap();
  const torch::Tensor loss = total(encoded, step, result);
  result.times.losses = lap();
  if (!std::isfinite(result.loss) && !scaler_.active()) {
    throw TrainError("the loss is " + not_finite(result.loss) + " at step " + std::to_string(step + 1));
  }
  scaler_.scale(loss).backward();
  for (auto& tower : encoded.towers) tower.backward();
  result.times.backward = lap();
  const auto gradients = optimizer_.gradients();
  const bool finite = scaler_.unscale(gradients);
  result.grad_norm = clip_gradients(gradients, finite ? clip_ : 0);
  result.skipped = !finite;
  if (finite && !std::isfinite(result.grad_norm)) {
    throw TrainError("a gradient is not finite at step " + std::to_string(step + 1) + ", though the loss is " +
                     std::to_string(result.loss));
  }
  if (finite) optimizer_.step(lr);
  scaler_.update(finite);
  result.times.optimizer = lap();
  if (scaler_.exhausted()) {
    throw TrainError("no gradient was finite at any loss scale down to " + std::to_string(scaler_.value()) +
                     ", at step " + std::to_string(step + 1) + ": try bf16 or a lower learning rate");
  }
  return result;
}

}  // namespace dime
