// SPDX-License-Identifier: Apache-2.0
#include "cuda/open.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace dime {
namespace {

std::string& absence() {
  // What main found out before anything else existed; asked by `dime doctor`.
  static std::string why = "it was not looked for";
  return why;
}

/// The folder of libtorch_cpu.so, which the CUDA half lies beside.
std::filesystem::path torch_folder() {
  void* cpu = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  if (cpu == nullptr) return {};
  Dl_info info{};
  void* symbol = dlsym(cpu, "aoti_torch_device_type_cpu");
  const bool found = symbol != nullptr && dladdr(symbol, &info) != 0;
  dlclose(cpu);
  return found ? std::filesystem::path(info.dli_fname).parent_path() : std::filesystem::path{};
}

const char* last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "no reason given";
}

}  // namespace

void open_cuda() {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) == nullptr) {
    absence() = "no NVIDIA driver on this machine (libcuda.so.1)";
    return;
  }
  const std::string library = (torch_folder() / "libtorch_cuda.so").string();
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    absence() = std::string("LibTorch's CUDA half did not open: ") + last_error();
    return;
  }
  absence().clear();
}

const std::string& cuda_absence() { return absence(); }

}  // namespace dime
