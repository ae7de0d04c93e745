// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dime/model.hpp>

#include "train/freeze.hpp"

namespace dime {

/// Puts a model into evaluation; one that was in training goes back to it.
class EvaluationMode {
 public:
  explicit EvaluationMode(Model& model) : model_(model), training_(model.is_training()) { model_.eval(); }
  ~EvaluationMode() { set_training(model_, training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  Model& model_;
  bool training_;
};

}  // namespace dime
