// SPDX-License-Identifier: Apache-2.0
// Which device computes, and how many threads work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torch/types.h>

#include "config/experiment.hpp"

namespace dime {

/// "cpu", "cuda", or "auto": CUDA where a GPU answers. Throws ConfigError when "cuda" is asked for and none does.
torch::Device choose_device(const std::string& name);
/// The cores that this process may use.
int usable_cores();
/// The most memory that LibTorch's allocator held on the first GPU so far, in MiB; nothing when `device` is the CPU.
std::optional<std::int64_t> peak_device_memory_mib(const torch::Device& device);
/// Threads of LibTorch's pool: the option's, or all usable cores.
int compute_threads(const ThreadsOptions& threads);
/// Threads that decode: the option's, or all usable cores.
int decode_threads(const ThreadsOptions& threads);

}  // namespace dime
