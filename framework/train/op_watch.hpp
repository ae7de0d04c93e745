// SPDX-License-Identifier: Apache-2.0
// Watches the operators that this thread calls.
#pragma once

#include <cstdint>
#include <functional>

namespace dime {

/// What was seen.
struct OpCounts {
  std::int64_t flops = 0;       ///< two for each multiply-add of products, convolutions and attention
  std::int64_t kept_bytes = 0;  ///< of the storages that operators made, those that were still alive at the end
  std::int64_t peak_bytes = 0;  ///< the most that lived at one time, as far as can be seen between two operators
};

/// Runs `work` and counts what LibTorch's operators do in it. A storage that goes into an operator before it came out
/// of one was there before, and is none of those that operators made.
OpCounts watch_ops(const std::function<void()>& work);

}  // namespace dime
