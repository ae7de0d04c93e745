// SPDX-License-Identifier: Apache-2.0
// Which parts of a student training changes.
#pragma once

#include <string>
#include <vector>

#include <dime/model.hpp>

#include "config/experiment.hpp"

namespace dime {

/// The parameters whose names fit one of the patterns require no gradient from here on: no optimiser takes them.
/// `what` names the model in messages. Throws ConfigError, its place first, that lists the patterns that no parameter
/// fits, each with the name that is nearest to it; or that says that no parameter would be left to train.
void freeze_parameters(Model& model, const std::vector<NamePattern>& patterns, const std::string& what);

/// model.train(on). In training, a module with running statistics whose parameters are all frozen stays in evaluation,
/// so that its statistics keep still; one that has no parameters goes by those of the nearest module around it that
/// has any.
void set_training(Model& model, bool on);

/// The name of a module whose statistics of the batch training changes (one with a buffer `running_mean` that
/// set_training leaves in training), or "". The model's mode is as before.
std::string batch_statistics(Model& model);

}  // namespace dime
