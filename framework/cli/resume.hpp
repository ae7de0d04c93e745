// SPDX-License-Identifier: Apache-2.0
// Going on with a run that was stopped.
#pragma once

#include <cstdint>

#include "report/log.hpp"
#include "report/run_folder.hpp"
#include "train/build.hpp"

namespace dime::cli {

/// Takes up the newest good checkpoint of the run folder: the step it goes on from, 0 where there is none yet. Keeps
/// the threads that the run began with; says what differs from the run that began. Throws DataError when every
/// checkpoint is damaged, WeightsError when the checkpoint is another model's.
std::int64_t go_on(const LoadedExperiment& loaded, const RunModels& models, Trainer& trainer, const RunPaths& paths,
                   const Log& log);

}  // namespace dime::cli
