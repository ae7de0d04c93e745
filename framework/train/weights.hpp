// SPDX-License-Identifier: Apache-2.0
// Tensors to files and back. Nothing loads loosely: names and shapes must agree, or the file says what may differ.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <dime/model.hpp>

#include "config/experiment.hpp"
#include "train/optimizer.hpp"

namespace dime {

/// Parameters, then buffers, by name.
NamedTensors named_tensors(const torch::nn::Module& module);
/// The number of elements of the parameters whose names begin with `prefix`.
std::int64_t count_parameters(const torch::nn::Module& module, const std::string& prefix = "");

/// Writes tensors (from any device) as safetensors: aside, synced, renamed. Throws IoError.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata = {});

/// Throws what load_tensors would throw of names, shapes and types, and copies nothing. Returns the same.
std::string check_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                          const std::vector<PositionTable>& tables = {});

/// Copies the tensors of a file, in whichever format and in its own or a public scheme's names, into `into`, in place,
/// converting between floating-point types. `tables` are those that `interpolate_positions` may fit. Throws
/// WeightsError that lists every name that is missing, unexpected, of another shape, or floating-point on one side
/// only, `what` first; IoError when there is no file. Returns what was recognised: "weights from FILE: a safetensors
/// file, Hugging Face's names of CLIPModel".
std::string load_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                         const std::vector<PositionTable>& tables = {});

}  // namespace dime
