// SPDX-License-Identifier: Apache-2.0
// How long a large file of weights takes into a model's tensors, and how much memory beside them.
//   benchmark_load_weights write FILE.safetensors GIGABYTES    random fp32 tensors of 16 MB, and a few small ones
//   benchmark_load_weights read FILE...                                    each: seconds, and memory beside the tensors
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <dime/error.hpp>

#include "io/weights_file.hpp"
#include "train/weights.hpp"
#include "weights/tensors.hpp"

namespace {

using Clock = std::chrono::steady_clock;

/// A line of /proc/self/status in MB.
double megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stod(line.substr(key.size())) * 1024 / 1e6;
  }
  return 0;
}

int write(const std::string& path, double gigabytes) {
  dime::NamedTensors all;
  const auto block = at::rand({2000, 2000});
  const int count = static_cast<int>(gigabytes * 1e9 / 16e6);
  for (int i = 0; i < count; ++i) all.emplace_back("block." + std::to_string(i) + ".weight", block);
  for (int i = 0; i < count; ++i) all.emplace_back("block." + std::to_string(i) + ".bias", at::rand({2000}));
  dime::save_tensors(path, all);
  return 0;
}

int read(const std::string& path) {
  dime::NamedTensors into;
  {
    const dime::io::WeightsFile file(path);
    for (const auto& view : file.tensors()) {
      into.emplace_back(view.name, at::zeros(view.shape, dime::scalar_type(view.dtype)).fill_(1));
    }
  }
  dime::InitOptions from;
  from.path = dime::Path(path);
  // Pages of the file are the system's and count as shared.
  const double before = megabytes("RssAnon:");
  const auto start = Clock::now();
  dime::load_tensors(from, into, "model");
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%s: %.2f s, %.0f MB of memory more than before\n", path.c_str(), seconds,
              megabytes("RssAnon:") - before);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 4 && std::string(argv[1]) == "write") return write(argv[2], std::atof(argv[3]));
  if (argc < 3 || std::string(argv[1]) != "read") {
    std::fprintf(stderr, "usage: benchmark_load_weights write FILE GIGABYTES | read FILE...\n");
    return 2;
  }
  for (int i = 2; i < argc; ++i) read(argv[i]);
  return 0;
} catch (const dime::Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
