// SPDX-License-Identifier: Apache-2.0
// Gradients in float64 against differences and the reference, and where they vanish.
#include <gtest/gtest.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

constexpr ScoreForm kForms[] = {ScoreForm::tiled, ScoreForm::direct};

// Central differences of every element of `x`.
torch::Tensor differences(const ScoreTerm& term, const ScoreKlOptions& options, const torch::Tensor& x) {
  const at::NoGradGuard guard;
  constexpr double kStep = 1e-6;
  auto gradient = at::empty_like(x);
  auto elements = x.view({-1}), slopes = gradient.view({-1});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto element = elements[i];
    const double before = element.item<double>();
    element.fill_(before + kStep);
    const double above = score_kl(term, options).item<double>();
    element.fill_(before - kStep);
    slopes[i] = (above - score_kl(term, options).item<double>()) / (2 * kStep);
    element.fill_(before);
  }
  return gradient;
}

void expect_gradients(const ScoreTerm& term) {
  const auto truth = by_reference(term);
  for (const auto form : kForms) {
    const auto options = form_of(form);
    SCOPED_TRACE(text_of(options));
    const auto got = by_score_kl(term, options);
    expect_close(got, truth, 1e-9);
    const auto leaves = leaves_of(term);
    ASSERT_EQ(leaves.size(), got.gradients.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const double size = got.gradients[i].norm().item<double>();
      EXPECT_GT(size, 1e-6);
      EXPECT_LE(distance(got.gradients[i], differences(term, options, leaves[i])), 1e-7 * std::max(1.0, size));
    }
  }
}

TEST(ScoreKlGradient, EveryDirectionReductionAndMask) {
  struct Weights {
    double rows, columns;
  };
  for (const auto& weights : {Weights{0.7, 0.4}, Weights{1, 0}, Weights{0, 1.5}, Weights{0.1, 3}}) {
    for (const auto reduction : {Reduction::mean, Reduction::sum}) {
      for (const bool mask : {false, true}) {
        SCOPED_TRACE(c10::str("rows ", weights.rows, ", columns ", weights.columns, ", sum ",
                              reduction == Reduction::sum, ", mask ", mask));
        auto term = full_term({7, 5, 3}, 1);
        term.rows_weight = weights.rows;
        term.columns_weight = weights.columns;
        term.reduction = reduction;
        term.mask_diagonal = mask;
        expect_gradients(term);
      }
    }
  }
}

TEST(ScoreKlGradient, OneSideAlone) {
  for (int side = 0; side < 3; ++side) {
    SCOPED_TRACE(side);
    auto term = full_term({5, 7, 4}, 2);
    term.student.rows.vectors.requires_grad_(side == 0);
    term.student.columns.vectors.requires_grad_(side == 1);
    term.student.learnt_scale.requires_grad_(side == 2);
    expect_gradients(term);
  }
}

TEST(ScoreKlGradient, SameTensorInRowsAndColumns) {
  for (const bool mask : {false, true}) {
    auto term = full_term({6, 6, 3}, 3);
    term.student.columns = term.student.rows;
    term.teacher.columns = term.teacher.rows;
    term.mask_diagonal = mask;
    expect_gradients(term);
  }
}

// A learnt scale may pass through zero, where all scores are equal and only its own gradient is left.
TEST(ScoreKlGradient, ScaleOfZeroAndLess) {
  for (const double scale : {0.0, -4.0}) {
    for (const bool mask : {false, true}) {
      SCOPED_TRACE(c10::str("scale ", scale, ", mask ", mask));
      auto term = full_term({7, 5, 3}, 6);
      term.student.learnt_scale.detach().fill_(scale);
      term.mask_diagonal = mask;
      const auto truth = by_reference(term);
      for (const auto form : kForms) {
        const auto got = by_score_kl(term, form_of(form));
        expect_close(got, truth, 1e-9, 1e-13);
        EXPECT_GT(got.gradients.back().abs().item<double>(), 1e-6);
      }
    }
  }
}

// Larger than a tile in both directions.
TEST(ScoreKlGradient, ManyTiles) {
  for (const Size& size : {Size{1, 1, 1}, Size{1, 97, 3}, Size{321, 5, 7}, Size{161, 200, 33}, Size{333, 321, 16}}) {
    for (const bool mask : {false, true}) {
      if (mask && (size.rows == 1 || size.columns == 1)) continue;
      SCOPED_TRACE(c10::str(size.rows, " x ", size.columns, " x ", size.width, ", mask ", mask));
      auto term = full_term(size, 4, 30);
      term.mask_diagonal = mask;
      const auto truth = by_reference(term);
      for (const auto form : kForms) expect_close(by_score_kl(term, form_of(form)), truth, 1e-9, 1e-13);
    }
  }
}

TEST(ScoreKlGradient, UpstreamGradientMultiplies) {
  const auto term = full_term({7, 5, 3}, 5);
  for (const auto form : kForms) {
    const auto once = by_score_kl(term, form_of(form));
    const auto scaled = outcome_of(score_kl(term, form_of(form)) * -2.5, term);
    for (std::size_t i = 0; i < once.gradients.size(); ++i) {
      EXPECT_LE(relative_distance(scaled.gradients[i], -2.5 * once.gradients[i]), 1e-12);
    }
  }
}

// A row without another column has no softmax to compare: such a direction says nothing.
TEST(ScoreKlGradient, NothingIsLeftOfASinglePairThatIsMasked) {
  for (const auto form : kForms) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      for (const Size& size : {Size{1, 5, 3}, Size{5, 1, 3}, Size{1, 1, 3}}) {
        const auto type = seed % 3 == 0 ? at::kDouble : at::kFloat;
        auto term = full_term(size, seed);
        term.mask_diagonal = true;
        auto unmasked = term;
        if (size.rows == 1) unmasked.columns_weight = 0;
        if (size.columns == 1) unmasked.rows_weight = 0;
        SCOPED_TRACE(c10::str(size.rows, " x ", size.columns, " ", text_of(form_of(form)), ", seed ", seed));
        const auto got = by_score_kl(in_type(term, type), form_of(form));
        const auto want = by_score_kl(in_type(unmasked, type), form_of(ScoreForm::direct));
        expect_close(got, want, 1e-5, 1e-7);
      }
    }
  }
}

TEST(ScoreKlGradient, WithoutWeightsThereIsNothing) {
  auto term = full_term({33, 40, 3}, 7);
  term.rows_weight = term.columns_weight = 0;
  for (const auto form : kForms) {
    for (const auto type : {at::kFloat, at::kDouble}) {
      const auto got = by_score_kl(in_type(term, type), form_of(form));
      EXPECT_EQ(got.value, 0);
      for (const auto& gradient : got.gradients) EXPECT_EQ(gradient.abs().max().item<double>(), 0);
    }
  }
}

}  // namespace
}  // namespace dime::test
