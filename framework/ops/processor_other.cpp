// SPDX-License-Identifier: Apache-2.0
#include "ops/processor.hpp"

namespace dime {

bool multiplies_bf16() { return true; }
bool onednn_is_faster() { return false; }

}  // namespace dime
