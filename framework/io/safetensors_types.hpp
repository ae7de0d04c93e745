// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.hpp"

namespace dime::io {

/// The type of this name, if dime knows it.
std::optional<DType> find_dtype(std::string_view name);
/// "F64, F32, …".
std::string dtype_names();
/// Element size times the product of `shape`; nothing when that is negative or does not fit in 64 bits.
std::optional<std::uint64_t> byte_size(const std::vector<std::int64_t>& shape, DType dtype);

}  // namespace dime::io
