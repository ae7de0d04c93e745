// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.hpp"

namespace dime::io {

/// The type of a storage ("HalfStorage") or of torch's own names ("float16"); nothing for one that dime does not know.
std::optional<DType> torch_dtype(std::string_view name);

/// A view of `numel` elements that lie one after another.
struct StorageView {
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape, strides;
};

/// Why a view cannot be read from a storage of `numel` elements of this type (it does not lie in it, its size does not
/// fit in 64 bits); empty when it can.
std::string view_problem(const StorageView& view, std::int64_t numel, DType dtype);

/// Whether the elements lie one after another in C order (as they do where there is none or one).
bool is_packed(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides);

}  // namespace dime::io
