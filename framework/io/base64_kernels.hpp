// SPDX-License-Identifier: Apache-2.0
// The inner loop of base64 decoding for wide registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dime::detail {

/// Decodes whole groups of four characters, and returns how many: it stops before a stretch that holds a foreign
/// character, and before the last few groups. Writes nothing past the 3 * groups bytes of `out`.
using Base64Kernel = std::size_t (*)(const unsigned char* in, std::size_t groups, std::uint8_t* out);

/// The fastest kernel of this machine; null where it has none.
Base64Kernel base64_kernel();

}  // namespace dime::detail
