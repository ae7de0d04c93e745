// SPDX-License-Identifier: Apache-2.0
// A part of libdime, so that operations reach CUDA without linking it.
#include <dlfcn.h>

#include "cuda/runtime.hpp"

namespace dime {
namespace {

struct Loaded {
  const CudaRuntime* table = nullptr;
  std::string why;
};

Loaded load() {
  // Found through libdime's run path, beside it. Never closed: LibTorch keeps pointers into what it brings in.
  void* handle = dlopen("libdime_cuda.so", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return {nullptr, std::string("libdime_cuda.so is not used: ") + dlerror()};
  return {static_cast<const CudaRuntime*>(dlsym(handle, "dime_cuda_runtime")), {}};
}

}  // namespace

const CudaRuntime* load_cuda_runtime(std::string* why) {
  static const Loaded loaded = load();
  if (why != nullptr) *why = loaded.why;
  return loaded.table;
}

namespace detail {

TiledScoreKl cuda_score_kl(std::string* why) {
  const CudaRuntime* runtime = load_cuda_runtime(why);
  return runtime != nullptr ? runtime->tiled_score_kl : nullptr;
}

}  // namespace detail
}  // namespace dime
