// SPDX-License-Identifier: Apache-2.0
#include "weights/tensors.hpp"

#include <cstring>

#include <ATen/Functions.h>
#include <dime/error.hpp>

namespace dime {
namespace {

/// From the first element to the last, in bytes.
std::size_t extent(const io::TensorView& view) {
  if (view.strides.empty()) return view.bytes;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    if (view.shape[i] == 0) return 0;
    last += (view.shape[i] - 1) * view.strides[i];
  }
  return static_cast<std::size_t>(last + 1) * io::dtype_bytes(view.dtype);
}

at::Tensor rows(const at::Tensor& whole, const RowSpan& span) {
  if (span.whole()) return whole;
  const std::int64_t share = whole.size(0) / span.of;
  return whole.narrow(0, share * span.first, share * (span.last - span.first));
}

at::Tensor changed(const at::Tensor& part, Change change) { return change == Change::transposed ? part.t() : part; }

}  // namespace

at::ScalarType scalar_type(io::DType dtype) {
  switch (dtype) {
    case io::DType::f64:
      return at::kDouble;
    case io::DType::f32:
      return at::kFloat;
    case io::DType::f16:
      return at::kHalf;
    case io::DType::bf16:
      return at::kBFloat16;
    case io::DType::i64:
      return at::kLong;
    case io::DType::i32:
      return at::kInt;
    case io::DType::i16:
      return at::kShort;
    case io::DType::i8:
      return at::kChar;
    case io::DType::u8:
      return at::kByte;
    case io::DType::boolean:
      return at::kBool;
  }
  throw WeightsError("unknown element type");
}

io::DType dtype_of(const at::Tensor& t) {
  switch (t.scalar_type()) {
    case at::kDouble:
      return io::DType::f64;
    case at::kFloat:
      return io::DType::f32;
    case at::kHalf:
      return io::DType::f16;
    case at::kBFloat16:
      return io::DType::bf16;
    case at::kLong:
      return io::DType::i64;
    case at::kInt:
      return io::DType::i32;
    case at::kShort:
      return io::DType::i16;
    case at::kChar:
      return io::DType::i8;
    case at::kByte:
      return io::DType::u8;
    case at::kBool:
      return io::DType::boolean;
    default:
      throw WeightsError("tensors of type " + std::string(c10::toString(t.scalar_type())) + " cannot be saved");
  }
}

at::Tensor tensor_of(const io::TensorView& view) {
  const auto options = at::TensorOptions().dtype(scalar_type(view.dtype));
  if (view.bytes == 0) return at::empty(view.shape, options);
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.data) % io::dtype_bytes(view.dtype) == 0;
  if (aligned) {
    auto* data = const_cast<std::uint8_t*>(view.data);  // NOLINT: LibTorch has no tensor of constant data
    return view.strides.empty() ? at::from_blob(data, view.shape, options)
                                : at::from_blob(data, view.shape, view.strides, options);
  }
  const auto strides = view.strides.empty()
                           ? at::empty(view.shape, at::TensorOptions().device(at::kMeta)).strides().vec()
                           : view.strides;
  auto staged = at::empty_strided(view.shape, strides, options);
  std::memcpy(staged.data_ptr(), view.data, extent(view));
  return staged;
}

void copy_parts(const MappedTensor& from, const at::Tensor& to) {
  for (const auto& part : from.parts) {
    const auto target = rows(to, part.to);
    target.copy_(changed(rows(tensor_of(*part.view), part.from), from.change).reshape(target.sizes()));
  }
}

at::Tensor assembled(const MappedTensor& from, const std::vector<std::int64_t>& wanted) {
  const auto shape = mapped_shape(from, wanted);
  if (!shape || !is_complete(from)) throw WeightsError("the parts of " + from.name + " do not fit together");
  if (from.parts.size() == 1) {
    const auto& part = from.parts.front();
    return changed(rows(tensor_of(*part.view), part.from), from.change).reshape(*shape);
  }
  auto whole = at::empty(*shape, at::TensorOptions().dtype(scalar_type(from.parts.front().view->dtype)));
  copy_parts(from, whole);
  return whole;
}

}  // namespace dime
