// SPDX-License-Identifier: Apache-2.0
#include "weights/positions.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/Functions.h>
#include <dime/error.hpp>

namespace dime {
namespace {

/// The side of a square of `positions`, or 0.
std::int64_t side_of(std::int64_t positions) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(positions))));
  return positions > 0 && side * side == positions ? side : 0;
}

std::int64_t stored_side(const std::vector<std::int64_t>& shape, std::int64_t leading) {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return side_of(rows - leading);
}

}  // namespace

at::Tensor fitted_positions(const at::Tensor& stored, const PositionTable& table) {
  const std::int64_t width = stored.size(-1);
  const auto all = stored.reshape({-1, width}).to(at::kFloat);
  const std::int64_t side = stored_side(stored.sizes().vec(), table.leading);
  if (side == 0) throw WeightsError(table.name + ": its grid of positions is no square");
  const auto grid = all.slice(0, table.leading).reshape({1, side, side, width}).permute({0, 3, 1, 2});
  const auto fitted = at::_upsample_bicubic2d_aa(grid, {table.height, table.width}, false);
  return at::cat({all.slice(0, 0, table.leading), fitted.permute({0, 2, 3, 1}).reshape({-1, width})});
}

std::vector<std::string> settle_positions(RecognisedWeights& weights, const std::vector<PositionTable>& tables,
                                          const std::vector<WantedTensor>& wanted, const InitOptions& from) {
  std::vector<std::string> fitted;
  std::erase_if(weights.differences.misshaped, [&](Difference& d) {
    const auto named = [&](const auto& t) { return t.name == d.name; };
    const auto table = std::find_if(tables.begin(), tables.end(), named);
    const auto want = std::find_if(wanted.begin(), wanted.end(), named);
    const MappedTensor* tensor = weights.find(d.name);
    if (table == tables.end() || want == wanted.end() || tensor == nullptr) return false;
    const auto shape = mapped_shape(*tensor, want->shape);
    if (!shape || shape->size() < 2 || shape->back() != want->shape.back()) return false;
    if (stored_side(*shape, table->leading) == 0) {
      d.note += "; its grid is no square, so that `interpolate_positions` cannot fit it";
      return false;
    }
    if (from.interpolate_positions) fitted.push_back(d.name);
    if (!from.interpolate_positions) d.note += "; `interpolate_positions: true` of `init` fits it";
    return from.interpolate_positions;
  });
  return fitted;
}

}  // namespace dime
