// SPDX-License-Identifier: Apache-2.0
#include "io/resample_kernels.hpp"

namespace dime::detail {

const ResampleKernels& avx512_kernels() { return avx2_kernels(); }

}  // namespace dime::detail
