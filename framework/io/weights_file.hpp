// SPDX-License-Identifier: Apache-2.0
// The tensors of a file of weights, in whichever public format. Torch-free; nothing in a file is ever executed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.hpp"
#include "io/safetensors.hpp"

namespace dime::io {

/// Weights, mapped: the tensors' data live as long as it. The format is told by the content, never by the name:
/// - safetensors, or an index (`model.safetensors.index.json`, `pytorch_model.bin.index.json`) and its shards;
/// - a checkpoint of torch.save, since PyTorch 1.6. Its weights are the dictionary that it is, when that holds tensors;
///   else the one under `state_dict`, `model`, `model_state_dict` or `image_state_dict` (also nested in one another).
///   What stands beside that dictionary is left out. Prefixes `module.` and `_orig_mod.` that all names have (of
///   DistributedDataParallel and torch.compile) are taken off. A view keeps its strides;
/// - a TorchScript archive of torch.jit.save: the tensors of its modules by the paths of their attributes.
/// `input_resolution`, `context_length` and `vocab_size`, integers that OpenAI's archives hold, are metadata;
/// - a folder: the first of model.safetensors, open_clip_model.safetensors, model.safetensors.index.json,
///   pytorch_model.bin, pytorch_model.bin.index.json, open_clip_pytorch_model.bin; else the newest checkpoint of a run.
/// Pickles are parsed as plain data: what is neither a tensor nor a plain container is refused by its name.
class WeightsFile {
 public:
  /// Throws IoError when it cannot be opened; WeightsError for what is none of the formats, damaged (also by the CRC-32
  /// of a PyTorch record), or an index and shards that disagree.
  explicit WeightsFile(const std::filesystem::path& path);

  /// The file; of a folder the one that was found in it.
  const std::filesystem::path& path() const { return path_; }
  /// What the file was recognised as, for a message: `a PyTorch checkpoint (its "state_dict")`, `2 safetensors shards`.
  const std::string& format() const { return format_; }
  /// In order of name, none twice.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }
  /// The tensor of this name, or nullptr.
  const TensorView* find(std::string_view name) const;

 private:
  void read_file(MappedFile file);
  void read_shards(const MappedFile& index);

  std::filesystem::path path_;
  std::string format_;
  std::vector<MappedFile> files_;
  std::vector<TensorView> tensors_;
  Metadata metadata_;
};

}  // namespace dime::io
