// SPDX-License-Identifier: Apache-2.0
// What `dime check` says of a model's size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/model_cost.hpp"

namespace dime::cli {

/// Lines for a model that a step runs as `forwards` say; the first begins with `name`, the others are indented.
std::string model_lines(const std::string& name, const Model& model, const ModelCost& cost,
                        const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size);

}  // namespace dime::cli
