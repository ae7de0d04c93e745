// SPDX-License-Identifier: Apache-2.0
#include "io/torch_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "io/torch_weights.hpp"

namespace dime::io {
namespace {

// Settings that OpenAI's archives keep among the weights of a model.
constexpr std::array<std::string_view, 3> kSettings = {"input_resolution", "context_length", "vocab_size"};

bool is_setting(std::string_view name) {
  return std::find(kSettings.begin(), kSettings.end(), name) != kSettings.end();
}

bool is_integer(const TensorView& tensor) {
  return tensor.shape.empty() && (tensor.dtype == DType::i64 || tensor.dtype == DType::i32);
}

std::string integer_text(const TensorView& tensor) {
  if (tensor.dtype == DType::i64) {
    std::int64_t value = 0;
    std::memcpy(&value, tensor.data, sizeof value);
    return std::to_string(value);
  }
  std::int32_t value = 0;
  std::memcpy(&value, tensor.data, sizeof value);
  return std::to_string(value);
}

void add_tensors(const Pickle& pickle, std::vector<NamedPickleTensor> found, TorchArchive& archive,
                 const std::string& file, WeightsContent& content) {
  std::sort(found.begin(), found.end(),
            [](const NamedPickleTensor& a, const NamedPickleTensor& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(found.begin(), found.end(),
                         [](const NamedPickleTensor& a, const NamedPickleTensor& b) { return a.name == b.name; });
  if (twice != found.end()) throw WeightsError(file + ": it holds \"" + printable(twice->name) + "\" twice");
  for (NamedPickleTensor& named : found) {
    TensorView tensor = archive.view(pickle, named.tensor, std::move(named.name));
    if (is_setting(tensor.name) && is_integer(tensor)) {
      content.metadata.emplace(tensor.name, integer_text(tensor));
    } else {
      content.tensors.push_back(std::move(tensor));
    }
  }
}

}  // namespace

WeightsContent parse_torch_file(std::string_view bytes, const std::string& file) {
  TorchArchive archive(bytes, file);
  const Pickle pickle = archive.read_pickle();
  WeightsContent content;
  if (archive.is_script()) {
    content.format = WeightsFormat::script;
    FoundAttributes found = find_attributes(pickle, file);
    for (const auto& [name, value] : found.integers) {
      if (is_setting(name)) content.metadata.emplace(name, std::to_string(value));
    }
    add_tensors(pickle, std::move(found.tensors), archive, file, content);
  } else {
    content.format = WeightsFormat::checkpoint;
    FoundWeights found = find_weights(pickle, file);
    content.part = std::move(found.part);
    add_tensors(pickle, std::move(found.tensors), archive, file, content);
  }
  return content;
}

}  // namespace dime::io
