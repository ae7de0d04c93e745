// SPDX-License-Identifier: Apache-2.0
// What dime asks of CUDA itself, through a table of functions: libdime_cuda.so, built where nvcc is, fills it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dime/api.hpp>

#include "ops/score_kl/plan.hpp"

namespace dime {

struct CudaRuntime {
  /// "NVIDIA H100 80GB HBM3". Throws std::exception when there is no such device.
  std::string (*device_name)(int device);
  /// Bytes of memory that the device has.
  std::int64_t (*total_memory)(int device);
  /// Tiled score KL of vectors on a device, on its current stream.
  std::vector<detail::ScoreResult> (*tiled_score_kl)(const detail::ScorePlan& plan);
};

/// The table, or nullptr where the library was not built or does not open. `why`, if given, hears the reason.
/// The first call opens it. Call only after open_cuda() has succeeded.
DIME_API const CudaRuntime* load_cuda_runtime(std::string* why = nullptr);

}  // namespace dime
