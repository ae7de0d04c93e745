// SPDX-License-Identifier: Apache-2.0
// Whose names a file has, without a model to hold it against.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/weights_file.hpp"
#include "weights/name_map.hpp"

namespace dime {

/// A file of a model that dime knows, in dime's names.
struct IdentifiedWeights {
  const NameScheme* scheme = nullptr;
  NameMap map;
};

/// The family whose names these are ("clip", …), told by those that only it has; "" when there is none.
std::string_view family_of(const std::vector<MappedTensor>& tensors);

/// The scheme that has a rule for every name of the file and gives the names of its own family. Throws WeightsError
/// that names the file, and of the scheme that comes nearest the names that it lacks or that are incomplete.
IdentifiedWeights identify(const io::WeightsFile& file);

/// The scheme of this name of a family, or nullptr.
const NameScheme* find_scheme(std::string_view family, std::string_view name);

}  // namespace dime
