// SPDX-License-Identifier: Apache-2.0
// The safetensors format: an 8-byte length, a JSON header, the tensors' bytes. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.hpp"

namespace dime::io {

/// The element types that dime reads and writes.
enum class DType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// "F32", as the format names it.
std::string_view dtype_name(DType dtype);
/// The size of one element.
std::size_t dtype_bytes(DType dtype);

/// One tensor: C order, little endian.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;      ///< empty: a scalar
  const std::uint8_t* data = nullptr;   ///< in a file it need not be aligned to the element: copy, do not cast
  std::size_t bytes = 0;                ///< the product of shape and element size
  std::vector<std::int64_t> strides{};  ///< in elements, of a view that PyTorch stored; empty: C order
};

using Metadata = std::map<std::string, std::string>;

/// What a header says. The data pointers point into the bytes that were parsed.
struct SafetensorsContent {
  std::vector<TensorView> tensors;  ///< in the order of the data
  Metadata metadata;
};

/// Parses a whole file in memory. `name` is what messages call it.
/// Throws WeightsError, naming file and tensor, for everything that is not exactly the format: a length beyond the
/// file, bad or too deep JSON, a name twice, a type that dime does not know, a size that is not shape times type,
/// tensors that overlap, leave a hole or end elsewhere than the file.
SafetensorsContent parse_safetensors(std::string_view bytes, const std::string& name);

/// A safetensors file, mapped. The tensors' data live as long as it.
class SafetensorsFile {
 public:
  /// Throws IoError when it cannot be opened, WeightsError as parse_safetensors.
  explicit SafetensorsFile(const std::filesystem::path& path)
      : path_(path), file_(path), content_(parse_safetensors(file_.view(), path.string())) {}

  const std::filesystem::path& path() const { return path_; }
  const std::vector<TensorView>& tensors() const { return content_.tensors; }
  const Metadata& metadata() const { return content_.metadata; }
  /// The tensor of this name, or nullptr.
  const TensorView* find(std::string_view name) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  SafetensorsContent content_;
};

/// Writes `tensors` and `metadata` to `path`, byte for byte as Python's safetensors does (with its metadata in order of
/// name): written aside, synced, renamed, the folder synced. Throws IoError when the disk refuses, leaving nothing
/// behind; ArgumentError for a name twice, the name `__metadata__`, text that is not UTF-8, and bytes that are not
/// shape times type.
void write_safetensors(const std::filesystem::path& path, std::vector<TensorView> tensors,
                       const Metadata& metadata = {});

}  // namespace dime::io
