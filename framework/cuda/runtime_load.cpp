// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <filesystem>

#include "cuda/runtime.hpp"

namespace dime {
namespace {

const CudaRuntime* refuse(std::string* why, const std::string& reason) {
  if (why != nullptr) *why = reason;
  return nullptr;
}

}  // namespace

const CudaRuntime* load_cuda_runtime(std::string* why) {
  const auto bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string library = (bin.parent_path() / "lib" / "libdime_cuda.so").string();
  if (!std::filesystem::exists(library)) return refuse(why, "dime was built without nvcc: there is no " + library);
  // Never closed: LibTorch keeps pointers into what it brings in.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return refuse(why, std::string("libdime_cuda.so does not open: ") + dlerror());
  return static_cast<const CudaRuntime*>(dlsym(handle, "dime_cuda_runtime"));
}

}  // namespace dime
