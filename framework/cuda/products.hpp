// SPDX-License-Identifier: Apache-2.0
// Products of matrices whose rows are contiguous, put on the current stream. Operands are fp32, fp64 or bf16; sums and
// results are fp32, of fp64 fp64. TF32 is used where LibTorch's own products use it.
#pragma once

#include <torch/types.h>

namespace dime::cuda {

/// out [m, n] = a [m, k] b'; b is [n, k].
void multiply_by_transposed(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out);
/// out [m, n] += a [m, k] b [k, n].
void add_product(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out);
/// out [m, n] += a' b [k, n]; a is [k, m].
void add_transposed_product(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out);

}  // namespace dime::cuda
