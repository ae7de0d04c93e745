// SPDX-License-Identifier: Apache-2.0
// Stands in the place of the AVX kernels for other processors.
#include "io/resample_kernels.hpp"

namespace dime::detail {

const ResampleKernels& avx2_kernels() { return portable_kernels(); }
const ResampleKernels& avx512_kernels() { return portable_kernels(); }

}  // namespace dime::detail
