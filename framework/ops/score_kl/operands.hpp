// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ops/score_kl/plan.hpp"

namespace dime::detail {

/// Makes vectors [n, d] ready for products: norms, and for bf16 centred words.
ScoreOperand make_operand(const torch::Tensor& vectors, Products products);

/// "[loss/vl] row 3 of the student's image vectors is all zeros"; on the CPU only, where the answer is at hand.
void refuse_zeros(const ScoreOperand& operand, const std::string& owner, const std::string& name);

/// The first row that is not finite, or -1; on the CPU only.
std::int64_t first_not_finite(const ScoreOperand& operand);

}  // namespace dime::detail
