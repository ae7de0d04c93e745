// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/pickle.hpp"

namespace dime::io {

/// A tensor of a pickle and the name of it as a weight.
struct NamedPickleTensor {
  std::string name;
  PickleTensor tensor;
};

/// The weights of a checkpoint, as they stand in its pickle.
struct FoundWeights {
  std::string part;  ///< "model.state_dict": the keys that lead to their dictionary; "" for the outermost
  std::vector<NamedPickleTensor> tensors;
};

/// Finds them. Throws WeightsError when no dictionary holds tensors, when several do, and for a value among the weights
/// that is no tensor.
FoundWeights find_weights(const Pickle& pickle, const std::string& file);

/// What a TorchScript module holds.
struct FoundAttributes {
  std::vector<NamedPickleTensor> tensors;                      ///< by path: "visual.conv1.weight"
  std::vector<std::pair<std::string, std::int64_t>> integers;  ///< of the outermost module
};

/// Finds the tensors of the modules that a TorchScript module is made of. Throws WeightsError when the pickle holds no
/// module, and for modules that are nested too deep, or hold themselves.
FoundAttributes find_attributes(const Pickle& pickle, const std::string& file);

}  // namespace dime::io
