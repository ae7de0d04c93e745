// SPDX-License-Identifier: Apache-2.0
// Brings LibTorch's CUDA half in where there is a driver. The program itself links the CPU half only.
#pragma once

#include <string>

namespace dime {

/// Opens libtorch_cuda.so. Must be the first act of `main`. Quick where there is no driver. Never throws.
void open_cuda();

/// Why CUDA is not in use: no driver, a library that did not open; empty when it was opened.
const std::string& cuda_absence();

}  // namespace dime
