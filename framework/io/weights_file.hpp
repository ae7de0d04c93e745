// SPDX-License-Identifier: Apache-2.0
// The tensors of a file of weights, in whichever public format. Torch-free; nothing in a file is ever executed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.hpp"

namespace dime::io {

/// Weights, mapped: the tensors' data live as long as it. The format is told by the content, never by the name.
class WeightsFile {
 public:
  /// Throws IoError when it cannot be opened, WeightsError for what is none of the formats, or damaged.
  explicit WeightsFile(const std::filesystem::path& path) : file_(path) {}

  const std::filesystem::path& path() const { return file_.path(); }
  /// What the file was recognised as, for a message: "a safetensors file".
  std::string format() const { return "a safetensors file"; }
  const std::vector<TensorView>& tensors() const { return file_.tensors(); }
  const Metadata& metadata() const { return file_.metadata(); }
  /// The tensor of this name, or nullptr.
  const TensorView* find(std::string_view name) const { return file_.find(name); }

 private:
  SafetensorsFile file_;
};

}  // namespace dime::io
