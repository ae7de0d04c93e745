// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.hpp"
#include "train/weights.hpp"

namespace dime::cli {

/// The tensors of a model's form to deploy, see Model::deployed, and what is to be written beside them.
struct DeployedWeights {
  NamedTensors tensors;
  std::string metadata;  ///< `dime.model`
};

/// Builds the model of a checkpoint of dime (its file of weights) and takes its form to deploy. Throws WeightsError for
/// a file that does not say which model it is of, and for a model that has one form only.
DeployedWeights deployed_weights(const std::filesystem::path& path, const Program& program);

}  // namespace dime::cli
