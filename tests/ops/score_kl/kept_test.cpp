// SPDX-License-Identifier: Apache-2.0
// The tiled form gives the same, however many products it keeps between its passes.
#include <gtest/gtest.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/plan.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

std::vector<ScoreTerm> all_terms(const Sides& sides, bool mask) {
  std::vector<ScoreTerm> terms;
  for (const char* loss : kTerms) {
    terms.push_back(make_term(loss, sides, 30));
    terms.back().mask_diagonal = mask;
  }
  return terms;
}

std::vector<detail::ScoreResult> with_room(const std::vector<ScoreTerm>& terms, Products products,
                                           const detail::KeptRoom& room) {
  ScoreKlOptions options;
  options.products = products;
  options.form = ScoreForm::tiled;
  auto plan = detail::plan_score_kl(terms, options, true);
  plan.kept = room;
  return detail::tiled_score_kl(plan);
}

void expect_same(const std::vector<detail::ScoreResult>& got, const std::vector<detail::ScoreResult>& want,
                 double bound) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    SCOPED_TRACE(kTerms[i]);
    EXPECT_LE(relative_distance(got[i].value, want[i].value), 1e-6);
    EXPECT_LE(relative_distance(got[i].row_gradient, want[i].row_gradient), bound);
    EXPECT_EQ(got[i].column_gradient.defined(), want[i].column_gradient.defined());
    if (!want[i].column_gradient.defined()) continue;
    EXPECT_LE(relative_distance(got[i].column_gradient, want[i].column_gradient), bound);
    EXPECT_LE(std::abs(got[i].scale_gradient.item<double>() - want[i].scale_gradient.item<double>()), 1e-5);
  }
}

TEST(ScoreKlKept, AnyNumberOfProducts) {
  // All; the rows' and half of the others; the rows'; none.
  const detail::KeptRoom rooms[] = {{}, {0, 3 << 20}, {0, 1 << 20}, {0, 1000}};
  for (const Size& size : {Size{450, 450, 33}, Size{330, 501, 16}, Size{201, 77, 64}}) {
    const auto sides = make_sides(Kind::clustered, size, 3);
    for (const bool mask : {false, true}) {
      const auto terms = all_terms(sides, mask);
      for (const auto products : {Products::fp32, Products::bf16}) {
        const auto want = with_room(terms, products, rooms[0]);
        for (const auto& room : rooms) {
          SCOPED_TRACE(c10::str(size.rows, " x ", size.columns, ", mask ", mask,
                                products == Products::bf16 ? ", bf16, " : ", fp32, ", room.all, " and ", room.some,
                                " bytes"));
          // Sums in another order round some factors to another number of bf16.
          expect_same(with_room(terms, products, room), want, products == Products::bf16 ? 1e-4 : 1e-5);
        }
      }
    }
  }
}

TEST(ScoreKlKept, RoomDecidesWhatIsKept) {
  detail::TileShape shape;
  shape.rows = shape.columns = 8192;
  shape.row_pairs = shape.two_way_pairs = 2;
  shape.symmetric = true;
  shape.threads = 2;
  const auto large = detail::choose_tiling(shape);
  EXPECT_FALSE(large.keeps_all);
  EXPECT_TRUE(large.keeps_rows);
  EXPECT_GT(large.kept_blocks, 0);
  EXPECT_LT(large.kept_blocks, large.blocks);
  shape.rows = shape.columns = 4096;
  const auto middle = detail::choose_tiling(shape);
  EXPECT_TRUE(middle.keeps_all);
  EXPECT_EQ(middle.height, middle.columns) << "so that one tile of a symmetric matrix serves as two";
  shape.rows = shape.columns = 1 << 20;
  shape.threads = 64;
  const auto vast = detail::choose_tiling(shape);
  EXPECT_FALSE(vast.keeps_all || vast.keeps_rows);
  EXPECT_EQ(vast.kept_blocks, 0);
}

}  // namespace
}  // namespace dime::test
