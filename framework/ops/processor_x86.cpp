// SPDX-License-Identifier: Apache-2.0
#include "ops/processor.hpp"

namespace dime {
namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

}  // namespace

bool multiplies_bf16() { return has_avx512(); }
bool onednn_is_faster() { return has_avx512() && __builtin_cpu_is("amd"); }

}  // namespace dime
