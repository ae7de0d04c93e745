// SPDX-License-Identifier: Apache-2.0
// Stands in the place of the AVX kernels for other processors.
#include "ops/score_kl/kernels.hpp"

namespace dime::detail {

const ScoreKernels<float>* avx2_score_kernels(bool) { return nullptr; }
const ScoreKernels<float>* avx512_score_kernels(bool) { return nullptr; }

}  // namespace dime::detail
