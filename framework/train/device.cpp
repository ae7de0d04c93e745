// SPDX-License-Identifier: Apache-2.0
#include "train/device.hpp"

#include <sched.h>

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dime/error.hpp>

namespace dime {

torch::Device choose_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  const bool available = at::hasCUDA();
  if (name == "cuda" && !available) {
    throw ConfigError(
        "device: cuda was asked for, but no GPU answers; `dime doctor` says why, `device: auto` goes on without");
  }
  return available ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::optional<std::int64_t> peak_device_memory_mib(const torch::Device& device) {
  if (device.is_cpu()) return std::nullopt;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(0);
  return stats.reserved_bytes[0].peak >> 20;
}

int compute_threads(const ThreadsOptions& threads) {
  return threads.compute.count > 0 ? threads.compute.count : usable_cores();
}

int decode_threads(const ThreadsOptions& threads) {
  return threads.decode.count > 0 ? threads.decode.count : usable_cores();
}

}  // namespace dime
