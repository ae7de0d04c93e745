// SPDX-License-Identifier: Apache-2.0
// Stands in the place of base64_avx2.cpp for other processors.
#include "io/base64_kernels.hpp"

namespace dime::detail {

Base64Kernel base64_kernel() { return nullptr; }

}  // namespace dime::detail
