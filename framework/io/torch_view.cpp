// SPDX-License-Identifier: Apache-2.0
#include "io/torch_view.hpp"

#include <algorithm>
#include <array>

#include "io/safetensors_types.hpp"

namespace dime::io {
namespace {

struct Row {
  std::string_view storage, name;
  DType dtype;
};

constexpr std::array<Row, 10> kRows = {{{"DoubleStorage", "float64", DType::f64},
                                        {"FloatStorage", "float32", DType::f32},
                                        {"HalfStorage", "float16", DType::f16},
                                        {"BFloat16Storage", "bfloat16", DType::bf16},
                                        {"LongStorage", "int64", DType::i64},
                                        {"IntStorage", "int32", DType::i32},
                                        {"ShortStorage", "int16", DType::i16},
                                        {"CharStorage", "int8", DType::i8},
                                        {"ByteStorage", "uint8", DType::u8},
                                        {"BoolStorage", "bool", DType::boolean}}};

// Far above any buffer that a model broadcasts.
constexpr std::uint64_t kMostRepeated = std::uint64_t{64} << 20;

bool is_negative(std::int64_t n) { return n < 0; }

// The element after the last one that the view reaches; nothing when that does not fit in 64 bits.
std::optional<std::int64_t> view_end(const StorageView& view) {
  std::int64_t end = view.offset;
  bool overflow = false;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    if (view.shape[i] == 0) return 0;
    std::int64_t reach = 0;
    overflow = __builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &reach) || overflow;
    overflow = __builtin_add_overflow(end, reach, &end) || overflow;
  }
  if (__builtin_add_overflow(end, std::int64_t{1}, &end) || overflow) return std::nullopt;
  return end;
}

}  // namespace

std::optional<DType> torch_dtype(std::string_view name) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.storage == name || r.name == name; });
  if (row == kRows.end()) return std::nullopt;
  return row->dtype;
}

std::string view_problem(const StorageView& view, std::int64_t numel, DType dtype) {
  if (view.shape.size() != view.strides.size()) {
    return "its shape has " + std::to_string(view.shape.size()) + " sizes, but " + std::to_string(view.strides.size()) +
           " strides";
  }
  if (std::any_of(view.shape.begin(), view.shape.end(), is_negative)) return "a size of its shape is negative";
  if (std::any_of(view.strides.begin(), view.strides.end(), is_negative)) return "one of its strides is negative";
  if (view.offset < 0) return "its offset is negative";
  const auto size = byte_size(view.shape, dtype);
  const auto end = view_end(view);
  if (!size || !end) return "its size does not fit in 64 bits";
  if (*end > numel) {
    return "it reaches to element " + std::to_string(*end) + " of a storage of " + std::to_string(numel);
  }
  if (*size > kMostRepeated && *size / dtype_bytes(dtype) > static_cast<std::uint64_t>(numel)) {
    return "it repeats the " + std::to_string(numel) + " elements of its storage to " + std::to_string(*size) +
           " bytes";
  }
  return "";
}

bool is_packed(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return true;
  std::int64_t packed = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != packed) return false;
    packed *= shape[i];
  }
  return true;
}

}  // namespace dime::io
