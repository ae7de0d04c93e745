// SPDX-License-Identifier: Apache-2.0
#include "io/safetensors.hpp"

#include <algorithm>
#include <array>

#include "io/safetensors_types.hpp"

namespace dime::io {
namespace {

struct TypeRow {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<TypeRow, 10> kTypes = {{{"F64", 8},
                                             {"F32", 4},
                                             {"F16", 2},
                                             {"BF16", 2},
                                             {"I64", 8},
                                             {"I32", 4},
                                             {"I16", 2},
                                             {"I8", 1},
                                             {"U8", 1},
                                             {"BOOL", 1}}};

}  // namespace

std::string_view dtype_name(DType dtype) { return kTypes[static_cast<std::size_t>(dtype)].name; }
std::size_t dtype_bytes(DType dtype) { return kTypes[static_cast<std::size_t>(dtype)].bytes; }

std::optional<DType> find_dtype(std::string_view name) {
  const auto row = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& t) { return t.name == name; });
  if (row == kTypes.end()) return std::nullopt;
  return static_cast<DType>(row - kTypes.begin());
}

std::string dtype_names() {
  std::string names;
  for (const auto& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

std::optional<std::uint64_t> byte_size(const std::vector<std::int64_t>& shape, DType dtype) {
  std::uint64_t size = dtype_bytes(dtype);
  bool overflow = false;
  for (const std::int64_t n : shape) {
    if (n < 0) return std::nullopt;
    overflow = __builtin_mul_overflow(size, static_cast<std::uint64_t>(n), &size) || overflow;
  }
  if (overflow) return std::nullopt;
  return size;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::find_if(content_.tensors.begin(), content_.tensors.end(),
                                  [&](const TensorView& t) { return t.name == name; });
  return found == content_.tensors.end() ? nullptr : &*found;
}

}  // namespace dime::io
