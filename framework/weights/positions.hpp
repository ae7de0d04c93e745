// SPDX-License-Identifier: Apache-2.0
// Position tables of another grid.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <dime/model.hpp>

#include "weights/recognise.hpp"

namespace dime {

/// `stored` [..., leading + s x s, w] fitted to the grid of `table`: bicubic, antialiased, the leading rows kept
/// (open_clip's resize_pos_embed). fp32 [leading + height x width, w]. Throws WeightsError when its grid is no square.
at::Tensor fitted_positions(const at::Tensor& stored, const PositionTable& table);

/// Goes through the tables whose shapes differ. Where `from` asks for it, those that can be fitted no longer differ,
/// and their names are returned; else what differs says that `interpolate_positions` would fit them, or why not.
std::vector<std::string> settle_positions(RecognisedWeights& weights, const std::vector<PositionTable>& tables,
                                          const std::vector<WantedTensor>& wanted, const InitOptions& from);

}  // namespace dime
