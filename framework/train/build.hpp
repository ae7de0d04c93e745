// SPDX-License-Identifier: Apache-2.0
// Makes the parts of a training run from a checked experiment.
#pragma once

#include <memory>
#include <optional>

#include <dime/comm.hpp>
#include <dime/model.hpp>

#include "report/log.hpp"
#include "train/inputs.hpp"
#include "train/load.hpp"
#include "train/models.hpp"
#include "train/plan.hpp"
#include "train/trainer.hpp"

namespace dime {

/// The models of an experiment, on their device; either may be null.
struct RunModels {
  torch::Device device = torch::kCPU;
  std::shared_ptr<Model> student;
  std::shared_ptr<Model> teacher;      ///< frozen; made only where something encodes with it
  std::vector<std::string> notices{};  ///< what was found while they were made, for the log
};

/// Throws ConfigError when there are losses, but the student has nothing to train: some models are frozen by nature.
void check_trainable(const Experiment& experiment, const Model& student);
/// The student, or null where the file has none.
std::shared_ptr<Model> build_student(const LoadedExperiment& loaded, const torch::Device& device,
                                     Weights weights = Weights::ready, const Notice& notice = {});
/// The frozen teacher, or null where nothing in training encodes with one.
std::shared_ptr<Model> build_teacher(const LoadedExperiment& loaded, const torch::Device& device,
                                     Weights weights = Weights::ready, const Notice& notice = {});
/// Sets LibTorch's threads, chooses the device, and makes both.
RunModels build_models(const LoadedExperiment& loaded);

/// The plan of the run. Throws ConfigError that lists what losses lack, and says where micro-batches cannot be.
Plan checked_plan(const LoadedExperiment& loaded, const RunModels& models);

/// The width of each stream's stored vectors; 0 where there are none.
struct StoredWidths {
  std::int64_t images = 0;
  std::int64_t texts = 0;
  std::int64_t pairs = 0;
};
StoredWidths stored_widths(const Streams& streams);

/// The training losses, `build` called, on the models' device. Throws ConfigError for a tap that the student lacks, for
/// a teacher's image and text vectors of different widths that one loss compares, and what `build` throws.
std::vector<ActiveLoss> build_losses(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                                     const StoredWidths& stored);

/// The step of a run, with its optimiser and loss scaler; `epoch` is the number of updates in an epoch.
std::unique_ptr<Step> build_step(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                                 std::vector<ActiveLoss> losses, Communicator& comm, double epoch);

/// The streams of the plan.
Streams build_streams(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                      const InputContext& context);

/// Everything together.
Trainer build_trainer(const LoadedExperiment& loaded, const RunModels& models, Communicator& comm);

/// The context that all streams and readers of the experiment share, with that tokenizer (see load_tokenizer).
InputContext input_context(const LoadedExperiment& loaded, const TokenizerChoice& tokenizer, const Communicator& comm);

/// How the experiment's models encode.
EncodeOptions encode_options(const Experiment& experiment, const Plan& plan, const torch::Device& device,
                             Communicator& comm);

}  // namespace dime
