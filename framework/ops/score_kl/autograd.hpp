// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "ops/score_kl/plan.hpp"

namespace dime::detail {

/// Whether any of the student's tensors wants a gradient now.
bool wants_gradient(const std::vector<ScoreTerm>& terms);

/// Scalars with the results' values, tied to the student's tensors where autograd is on: backward multiplies the
/// gradients that were computed with the values.
std::vector<torch::Tensor> as_tensors(const std::vector<ScoreTerm>& terms, std::vector<ScoreResult> results);

}  // namespace dime::detail
