// SPDX-License-Identifier: Apache-2.0
// Vectors in NumPy's file format. Torch-free.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The numbers of a .npy file (format 1.0, 2.0 or 3.0) that holds one vector: little-endian float32 or float16, of the
/// shape (d,) or (1, d). Throws RowError, without saying where the row is, when `bytes` are no such file, hold another
/// type or shape, or are not as many as the shape asks for.
DIME_API std::vector<float> read_npy_vector(std::span<const std::uint8_t> bytes);

}  // namespace dime
