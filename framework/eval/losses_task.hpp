// SPDX-License-Identifier: Apache-2.0
// The training losses on rows that are not trained on.
#pragma once

#include <memory>

#include <nlohmann/json.hpp>

#include "train/build.hpp"

namespace dime {

/// {"losses": {NAME: mean over whole batches}, "loss": the weighted total at the end of training, "samples"}.
/// The task's streams stand in for the training's of the same name; batches are in the sources' order, from their
/// start, in the stream's batch size; rows that fill no batch are left out, as the losses depend on how many rows they
/// compare, unless the stream says `last: wrap`. Images without a `transform` of the task's are resized and cropped as
/// the student expects. Throws ConfigError when the task names no stream, DataError for a broken row, TrainError for a
/// loss that is not finite.
nlohmann::ordered_json held_out_losses(const LoadedExperiment& loaded, const EvaluateEntry& task,
                                       const std::shared_ptr<Model>& student, const torch::Device& device);

/// Opens and builds all that held_out_losses would, without encoding. `student` may lack its weights. Throws what is
/// wrong.
void check_held_out_losses(const LoadedExperiment& loaded, const EvaluateEntry& task,
                           const std::shared_ptr<Model>& student);

}  // namespace dime
