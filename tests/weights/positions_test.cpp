// SPDX-License-Identifier: Apache-2.0
#include "weights/positions.hpp"

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <dime/error.hpp>

#include "support/errors.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

TEST(FittedPositions, LeadingRowsStayAndTheGridIsResized) {
  const auto stored = at::cat({at::full({1, 2}, 9.0F), at::full({16, 2}, 3.0F)});
  const auto fitted = fitted_positions(stored, {"table", 1, 2, 3});
  ASSERT_EQ(fitted.sizes(), (std::vector<std::int64_t>{7, 2}));
  EXPECT_TRUE(at::equal(fitted[0], at::full({2}, 9.0F)));
  EXPECT_TRUE(at::allclose(fitted.slice(0, 1), at::full({6, 2}, 3.0F)));  // a constant stays one
}

TEST(FittedPositions, RowsAndColumnsAreNotSwapped) {
  const auto by_row = at::arange(4.0F).view({4, 1, 1}).expand({4, 4, 1}).reshape({16, 1});
  const auto fitted = fitted_positions(by_row, {"table", 0, 2, 4}).view({2, 4});
  for (int column = 1; column < 4; ++column) EXPECT_TRUE(at::allclose(fitted.select(1, column), fitted.select(1, 0)));
  EXPECT_GT(fitted[1][0].item<float>(), fitted[0][0].item<float>() + 1);
}

TEST(FittedPositions, TheSameGridIsTheSameTable) {
  const auto stored = at::rand({1, 10, 4});
  EXPECT_TRUE(at::allclose(fitted_positions(stored, {"table", 1, 3, 3}), stored[0], 1e-5, 1e-6));
}

TEST(FittedPositions, AGridThatIsNoSquare) {
  EXPECT_EQ(test::error_text<WeightsError>([] {
              fitted_positions(at::zeros({7, 2}), {"table", 1, 2, 2});
            }),
            "table: its grid of positions is no square");
}

class Settle : public testing::Test {
 protected:
  /// The note on a stored table of `shape` where the model has [1, 5, 2], or "fitted".
  std::string note(std::vector<std::int64_t> shape, bool asked) {
    const test::Views views({{"table", std::move(shape)}});
    RecognisedWeights weights{nullptr, map_names(views.pointers(), nullptr), {}};
    weights.differences.misshaped.push_back({"table", "", "differs"});
    InitOptions from;
    from.interpolate_positions = asked;
    const auto fitted = settle_positions(weights, {{"table", 1, 2, 2}}, {{"table", io::DType::f32, {1, 5, 2}}}, from);
    if (!fitted.empty() && weights.differences.misshaped.empty()) return "fitted";
    return weights.differences.misshaped.at(0).note;
  }
};

TEST_F(Settle, OnlyWhereItIsAskedFor) {
  EXPECT_EQ(note({1, 10, 2}, true), "fitted");
  EXPECT_EQ(note({10, 2}, true), "fitted");
  EXPECT_EQ(note({1, 10, 2}, false), "differs; `interpolate_positions: true` of `init` fits it");
}

TEST_F(Settle, WhatItCannotFit) {
  EXPECT_EQ(note({1, 9, 2}, true), "differs; its grid is no square, so that `interpolate_positions` cannot fit it");
  EXPECT_EQ(note({1, 10, 3}, true), "differs");
  EXPECT_EQ(note({10}, true), "differs");
}

}  // namespace
}  // namespace dime
