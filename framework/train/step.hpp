// SPDX-License-Identifier: Apache-2.0
// One update: encode, losses, backward, unscale, clip, optimise.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dime/loss.hpp>

#include "config/experiment.hpp"
#include "train/encode.hpp"
#include "train/optimizer.hpp"
#include "train/precision.hpp"

namespace dime {

/// A loss of the experiment, made.
struct ActiveLoss {
  std::string name;
  std::shared_ptr<Loss> loss;
  Weight weight;
  bool on_pairs = false;
};

/// Where an update's time went, in seconds. On a GPU a part's time is that of handing it over, but for the optimiser's,
/// before which the loss is waited for.
struct StepTimes {
  double encode = 0;  ///< the student's forward, and the teacher's where it runs
  double losses = 0;
  double backward = 0;
  double optimizer = 0;  ///< with unscaling and clipping
};

struct StepResult {
  double loss = 0;                                     ///< the weighted total
  std::vector<std::pair<std::string, double>> losses;  ///< unweighted
  double grad_norm = 0;
  bool skipped = false;  ///< fp16 found a gradient that is not finite
  StepTimes times;
};

class Step {
 public:
  /// `epoch` is the number of updates in an epoch, for weights that change.
  Step(Encoder encoder, std::vector<ActiveLoss> losses, AdamW optimizer, LossScaler scaler, double clip, double epoch);

  /// One update with rate `lr`. Throws TrainError when the loss is not finite and the scaler cannot help; the
  /// parameters are then as before.
  StepResult run(const Batch& batch, std::int64_t step, double lr);
  AdamW& optimizer() { return optimizer_; }
  LossScaler& scaler() { return scaler_; }

 private:
  torch::Tensor total(const Encoder::Result& encoded, std::int64_t step, StepResult& result);

  Encoder encoder_;
  std::vector<ActiveLoss> losses_;
  AdamW optimizer_;
  LossScaler scaler_;
  double clip_;
  double epoch_;
};

/// Each loss on what it works on, by name, unweighted. Autocast must be off. Throws what a loss throws, named.
std::vector<std::pair<std::string, torch::Tensor>> evaluate_losses(const std::vector<ActiveLoss>& losses,
                                                                   const LossInput& streams, const LossInput& pairs);

}  // namespace dime
