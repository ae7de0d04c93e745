// SPDX-License-Identifier: Apache-2.0
// The body of libdime_cuda.so.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include "cuda/runtime.hpp"

namespace {

cudaDeviceProp properties(int device) {
  cudaDeviceProp p{};
  C10_CUDA_CHECK(cudaGetDeviceProperties(&p, device));
  return p;
}

std::string device_name(int device) { return properties(device).name; }

std::int64_t peak_memory(int device) {
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
  return stats.reserved_bytes[0].peak;
}

std::int64_t total_memory(int device) { return static_cast<std::int64_t>(properties(device).totalGlobalMem); }

void synchronize(int device) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
  c10::cuda::device_synchronize();
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) extern const dime::CudaRuntime dime_cuda_runtime = {device_name, peak_memory,
                                                                                           total_memory, synchronize};
}
