// SPDX-License-Identifier: Apache-2.0
// Makes the models of an experiment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <dime/model.hpp>

#include "config/experiment.hpp"
#include "data/transform.hpp"
#include "plugin/loader.hpp"

namespace dime {

/// Whether a model's weights are drawn and read, or only checked to fit (quick at any size).
enum class Weights { ready, only_checked };

/// Hears one line of what was found.
using Notice = std::function<void(const std::string& line)>;

/// Throws ArgumentError for what no model can mean: no vectors, no pixels, a way to resize that dime does not know.
void check_spec(const ModelSpec& spec);

/// The model of `entry`, with initial weights drawn from `seed` or read from its `init`, on `device`.
/// `what` names it in messages ("models.student"). `notice` hears what the weights were recognised as.
std::shared_ptr<Model> make_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                  const torch::Device& device, const std::string& what,
                                  Weights weights = Weights::ready, const Notice& notice = {});
/// The same, in evaluation mode, and without gradients.
std::shared_ptr<Model> make_frozen_model(const ModelEntry& entry, const Plugins& plugins, std::int64_t seed,
                                         const torch::Device& device, const std::string& what,
                                         Weights weights = Weights::ready, const Notice& notice = {});
/// Whether the weights of `model`, made of `entry`, mean something: its `init` was read, or they come with the model.
bool has_weights(const ModelEntry& entry, const Model& model);

}  // namespace dime
