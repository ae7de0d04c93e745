// SPDX-License-Identifier: Apache-2.0
// Rows that are made up, to measure models, losses and the step without data.
#pragma once

#include "data/batch.hpp"
#include "train/build.hpp"

namespace dime {

/// An experiment whose streams are those of the file, each with batches of `rows`, but which are never opened. A file
/// without `data` gets images and texts with stored vectors, and pairs where a loss works on them.
void make_synthetic(Experiment& experiment, std::int64_t rows);

/// The widths of the stored vectors: those of models.teacher where the file describes one, else the student's.
StoredWidths synthetic_widths(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models);

/// A batch of `rows` rows of each stream of the plan, on the CPU, equal for equal seeds: pixels and vectors normally
/// distributed (vectors of length 1), tokens of texts that fill half the context.
Batch synthetic_batch(const Plan& plan, const StoredWidths& widths, std::int64_t rows, std::uint64_t seed);

}  // namespace dime
