// SPDX-License-Identifier: Apache-2.0
// How the pixels of a model are normalised.
#pragma once

#include <string>
#include <vector>

#include <dime/model.hpp>

#include "config/experiment.hpp"
#include "data/transform.hpp"

namespace dime {

/// What the model expects; the identity when it has no image tower.
Normalisation normalisation_of(const ModelSpec& spec);

/// Adds a problem where `transform`, of the entry `where` ("data.images"), has a normalize that gives another mean and
/// std than the model named `which` ("models.student") expects.
void check_normalize(const std::vector<Component>& transform, const std::string& where, const ModelSpec& spec,
                     const std::string& which, Problems& problems);

}  // namespace dime
