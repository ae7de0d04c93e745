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
#include "weights/model_facts.hpp"

namespace dime {

/// Parameters, then buffers, by name.
NamedTensors named_tensors(const torch::nn::Module& module);
/// The number of elements of the parameters whose names begin with `prefix`.
std::int64_t count_parameters(const torch::nn::Module& module, const std::string& prefix = "");

/// Writes tensors (from any device) as safetensors: aside, synced, renamed. Throws IoError.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata = {});

/// What a file of weights was found to be.
struct WeightsReport {
  std::string text;                 ///< "weights from FILE: a safetensors file, Hugging Face's names of CLIPModel"
  std::vector<std::string> fitted;  ///< the position tables that were fitted to the model's grid
  ModelFacts facts;                 ///< what is written in it and beside it
};

/// Throws what load_tensors would throw of names, shapes and types, and copies nothing. Returns the same.
WeightsReport check_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                            const std::vector<PositionTable>& tables = {});

/// Copies the tensors of a file, in whichever format and in its own or a public scheme's names, into `into`, in place,
/// converting between floating-point types. `tables` are those that `interpolate_positions` may fit. Throws
/// WeightsError that lists every name that is missing, unexpected, of another shape, or floating-point on one side
/// only, `what` first; IoError when there is no file.
WeightsReport load_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what,
                           const std::vector<PositionTable>& tables = {});

/// Throws WeightsError, `what` first, that lists where the facts of the weights and the model differ, with the option
/// of `what` to change, by the names of the options that its plugin takes ("image.image_size"). The image size may
/// differ where position tables were fitted. An interpolation that no option can change is no error: it returns "; …",
/// which says so, to go on after the report's text.
std::string check_facts(const WeightsReport& report, const InitOptions& from, const ModelSpec& spec,
                        const std::vector<std::string>& options, const std::string& what);

}  // namespace dime
