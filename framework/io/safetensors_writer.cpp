// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include <dime/error.hpp>

#include "io/atomic_file.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_types.hpp"
#include "io/strided.hpp"

namespace dime::io {
namespace {

// Python's writer puts the widest elements first, so that every tensor stays aligned; ties by its list of types, then
// by name.
int order(DType dtype) {
  constexpr std::array ranked = {DType::i64, DType::f64, DType::f32, DType::i32, DType::bf16,
                                 DType::f16, DType::i16, DType::i8,  DType::u8,  DType::boolean};
  return static_cast<int>(std::find(ranked.begin(), ranked.end(), dtype) - ranked.begin());
}

void check(const std::vector<TensorView>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& t = tensors[i];
    const std::string what = "cannot write tensor \"" + t.name + "\": ";
    if (t.name == "__metadata__") throw ArgumentError(what + "the name is reserved");
    if (i > 0 && tensors[i - 1].dtype == t.dtype && tensors[i - 1].name == t.name)
      throw ArgumentError(what + "it is given twice");
    const auto size = byte_size(t.shape, t.dtype);
    if (!size || *size != t.bytes) {
      throw ArgumentError(what + std::to_string(t.bytes) + " bytes are not its shape times its type " +
                          std::string(dtype_name(t.dtype)));
    }
  }
}

std::string header_of(const std::vector<TensorView>& tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& t : tensors) {
    nlohmann::ordered_json entry;
    entry["dtype"] = dtype_name(t.dtype);
    entry["shape"] = t.shape;
    entry["data_offsets"] = {offset, offset + t.bytes};
    if (!header.emplace(t.name, std::move(entry)).second)
      throw ArgumentError("cannot write tensor \"" + t.name + "\": it is given twice");
    offset += t.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write_elements(AtomicFile& file, const TensorView& tensor) {
  if (tensor.strides.empty()) {
    file.write(tensor.data, tensor.bytes);
    return;
  }
  std::vector<std::uint8_t> elements(tensor.bytes);
  copy_elements(tensor, elements.data());
  file.write(elements.data(), elements.size());
}

std::string length_of(const std::string& header) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(header.size()) >> 8 * i & 0xff));
  return bytes;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::vector<TensorView> tensors, const Metadata& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::make_tuple(order(a.dtype), std::string_view(a.name)) <
           std::make_tuple(order(b.dtype), std::string_view(b.name));
  });
  check(tensors);
  std::string header;
  try {
    header = header_of(tensors, metadata);
  } catch (const nlohmann::json::type_error&) {
    throw ArgumentError("cannot write " + path.string() + ": a name or its metadata is not UTF-8");
  }
  AtomicFile file(path);
  file.write(length_of(header));
  file.write(header);
  for (const auto& t : tensors) write_elements(file, t);
  file.commit();
}

}  // namespace dime::io
