// SPDX-License-Identifier: Apache-2.0
// Products of bf16, whose operands are centred first: without that, scores of vectors in a cone would keep few digits.
#include <gtest/gtest.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

void expect_coarse(const ScoreTerm& term, double value_bound, double gradient_bound) {
  const auto truth = truth_of(term);
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    const auto options = form_of(form, Products::bf16);
    SCOPED_TRACE(text_of(options));
    const auto got = by_score_kl(term, options);
    EXPECT_LE(std::abs(got.value - truth.value), value_bound * truth.value + 2e-5 / term.temperature) << truth.value;
    for (std::size_t i = 0; i < truth.gradients.size(); ++i) {
      EXPECT_LE(relative_distance(got.gradients[i], truth.gradients[i]), gradient_bound) << "gradient " << i;
    }
  }
}

// DIME-FM's.
double temperature_of(const std::string& loss) { return loss == "pvl" ? 3 : loss == "udist" ? 7 : 1; }

TEST(ScoreKlBf16, ValuesAndGradients) {
  for (const auto kind : {Kind::random, Kind::cone, Kind::opposite}) {
    const auto sides = make_sides(kind, {512, 512, 256}, 1);
    for (const char* loss : kTerms) {
      SCOPED_TRACE(c10::str(text_of(kind), " ", loss));
      expect_coarse(make_term(loss, sides, 100, temperature_of(loss)), 5e-4, 1e-2);
    }
  }
}

TEST(ScoreKlBf16, OddSizes) {
  for (const Size& size : {Size{161, 97, 33}, Size{97, 200, 7}, Size{33, 5, 48}}) {
    for (const auto kind : {Kind::random, Kind::opposite}) {
      const auto sides = make_sides(kind, size, 2);
      for (const char* loss : kTerms) {
        SCOPED_TRACE(c10::str(text_of(kind), " ", loss, " of ", size.rows, " x ", size.columns, " x ", size.width));
        auto term = make_term(loss, sides, 20, temperature_of(loss));
        expect_coarse(term, 1e-2, 1e-2);
        term.mask_diagonal = true;
        expect_coarse(term, 1e-2, 1e-2);
      }
    }
  }
}

TEST(ScoreKlBf16, IsNotFp32) {
  const auto term = make_term("vl", make_sides(Kind::random, {97, 96, 48}, 3));
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    const auto fine = by_score_kl(term, form_of(form)), coarse = by_score_kl(term, form_of(form, Products::bf16));
    EXPECT_GT(relative_distance(coarse.gradients[0], fine.gradients[0]), 1e-4) << "or the option is not heard";
  }
}

}  // namespace
}  // namespace dime::test
