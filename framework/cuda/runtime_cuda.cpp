// SPDX-License-Identifier: Apache-2.0
// The body of libdime_cuda.so.
#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

#include "cuda/runtime.hpp"
#include "cuda/score_kl_cuda.hpp"

namespace {

cudaDeviceProp properties(int device) {
  cudaDeviceProp p{};
  C10_CUDA_CHECK(cudaGetDeviceProperties(&p, device));
  return p;
}

std::string device_name(int device) { return properties(device).name; }

std::int64_t total_memory(int device) { return static_cast<std::int64_t>(properties(device).totalGlobalMem); }

}  // namespace

extern "C" {
__attribute__((visibility("default"))) extern const dime::CudaRuntime dime_cuda_runtime = {device_name, total_memory,
                                                                                           dime::cuda::tiled_score_kl};
}
