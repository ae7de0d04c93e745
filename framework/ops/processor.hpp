// SPDX-License-Identifier: Apache-2.0
// What LibTorch's libraries make of the processor at hand.
#pragma once

namespace dime {

/// Whether LibTorch multiplies bf16 numbers by oneDNN: without AVX-512 it does so one by one.
bool multiplies_bf16();
/// Whether oneDNN multiplies fp32 faster than MKL, which uses AVX2 alone on processors that are not Intel's.
bool onednn_is_faster();

}  // namespace dime
