// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include "cuda/runtime.hpp"

namespace dime {
namespace {

const CudaRuntime* refuse(std::string* why, const std::string& reason) {
  if (why != nullptr) *why = reason;
  return nullptr;
}

}  // namespace

const CudaRuntime* load_cuda_runtime(std::string* why) {
  // Found through the program's run path, beside libdime.so. Never closed: LibTorch keeps pointers into what it brings
  // in.
  void* handle = dlopen("libdime_cuda.so", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return refuse(why, std::string("libdime_cuda.so is not used: ") + dlerror());
  return static_cast<const CudaRuntime*>(dlsym(handle, "dime_cuda_runtime"));
}

}  // namespace dime
