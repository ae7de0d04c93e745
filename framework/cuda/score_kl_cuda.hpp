// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "ops/score_kl/plan.hpp"

namespace dime::cuda {

/// Computes the terms in tiles on the device of their vectors. Only puts work on the current stream: nothing is read,
/// and a CUDA graph may record it.
std::vector<detail::ScoreResult> tiled_score_kl(const detail::ScorePlan& plan);

}  // namespace dime::cuda
