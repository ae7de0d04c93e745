// SPDX-License-Identifier: Apache-2.0
// cuBLAS reads matrices column after column: what is a row-major matrix here is its transposed there.
#include "cuda/products.hpp"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/Exceptions.h>

namespace dime::cuda {
namespace {

struct Operand {
  const torch::Tensor& matrix;
  cublasOperation_t operation;
};

cudaDataType_t type_of(const torch::Tensor& x) {
  if (x.scalar_type() == at::kDouble) return CUDA_R_64F;
  return x.scalar_type() == at::kBFloat16 ? CUDA_R_16BF : CUDA_R_32F;
}

int leading(const torch::Tensor& x) { return static_cast<int>(x.stride(0)); }

/// out' = a b + beta out', with out' of out.size(1) rows and out.size(0) columns, as cuBLAS sees it.
void multiply(const Operand& a, const Operand& b, std::int64_t inner, double beta, const torch::Tensor& out) {
  const bool doubles = out.scalar_type() == at::kDouble;
  const double one = 1;
  const float float_one = 1, float_beta = static_cast<float>(beta);
  const void* alpha_number = doubles ? static_cast<const void*>(&one) : &float_one;
  const void* beta_number = doubles ? static_cast<const void*>(&beta) : &float_beta;
  // The handle belongs to the current stream, has LibTorch's workspace and knows whether TF32 is allowed.
  const auto handle = at::cuda::getCurrentCUDABlasHandle();
  TORCH_CUDABLAS_CHECK(cublasGemmEx(
      handle, a.operation, b.operation, static_cast<int>(out.size(1)), static_cast<int>(out.size(0)),
      static_cast<int>(inner), alpha_number, a.matrix.const_data_ptr(), type_of(a.matrix), leading(a.matrix),
      b.matrix.const_data_ptr(), type_of(b.matrix), leading(b.matrix), beta_number, out.mutable_data_ptr(),
      type_of(out), leading(out), doubles ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}

}  // namespace

void multiply_by_transposed(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out) {
  multiply({b, CUBLAS_OP_T}, {a, CUBLAS_OP_N}, a.size(1), 0, out);
}

void add_product(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out) {
  multiply({b, CUBLAS_OP_N}, {a, CUBLAS_OP_N}, a.size(1), 1, out);
}

void add_transposed_product(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& out) {
  multiply({b, CUBLAS_OP_N}, {a, CUBLAS_OP_T}, a.size(0), 1, out);
}

}  // namespace dime::cuda
