// SPDX-License-Identifier: Apache-2.0
// Linear maps, by the product that is fastest on the processor at hand.
#pragma once

#include <torch/types.h>

#include <dime/api.hpp>

namespace dime {

/// x weight' + bias for x [..., k], weight [n, k] and bias [n] (or undefined): what at::linear gives, also under
/// autocast, and differentiable once. On an AMD processor with AVX-512 fp32 products go by way of oneDNN (LibTorch's
/// own library, MKL, uses half of such a processor's width); without instructions for bf16 such products take the
/// rounded numbers in fp32, which is as exact and several times faster. Elsewhere, and on a GPU, it is at::linear.
DIME_API torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias = {});

}  // namespace dime
