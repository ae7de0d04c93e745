// SPDX-License-Identifier: Apache-2.0
// Types and layouts of tensors, norms, and what happens where autograd is off.
#include <gtest/gtest.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

constexpr ScoreForm kForms[] = {ScoreForm::tiled, ScoreForm::direct};

TEST(ScoreKlTypes, GradientsComeBackInTheTypeOfTheirTensor) {
  for (const auto& [type, precision] : {std::pair{at::kHalf, 1e-3}, {at::kBFloat16, 8e-3}, {at::kFloat, 1e-5}}) {
    for (const char* loss : kTerms) {
      const auto term = in_type(make_term(loss, make_sides(Kind::random, {97, 120, 16}, 1), 10), type);
      const auto truth = truth_of(term);
      for (const auto form : kForms) {
        SCOPED_TRACE(c10::str(c10::toString(type), " ", loss, " ", text_of(form_of(form))));
        const auto value = score_kl(term, form_of(form));
        EXPECT_EQ(value.scalar_type(), at::kFloat);
        EXPECT_NEAR(value.item<double>(), truth.value, 1e-5 * truth.value);
        const auto got = outcome_of(value, term);
        const auto leaves = leaves_of(term);
        for (std::size_t i = 0; i < leaves.size(); ++i) {
          EXPECT_EQ(got.gradients[i].scalar_type(), type);
          EXPECT_LE(relative_distance(got.gradients[i], truth.gradients[i]), precision) << "gradient " << i;
        }
      }
    }
  }
}

TEST(ScoreKlTypes, MixedTypes) {
  for (const auto form : kForms) {
    auto term = make_term("crd", make_sides(Kind::random, {33, 40, 16}, 2), 10);
    term.student.rows.vectors = term.student.rows.vectors.detach().to(at::kBFloat16).requires_grad_();
    term.teacher.rows.vectors = term.teacher.rows.vectors.to(at::kHalf);
    term.student.learnt_scale = at::full({1}, 8.0, at::kDouble).requires_grad_();
    const auto truth = truth_of(term);
    const auto got = by_score_kl(term, form_of(form));
    EXPECT_NEAR(got.value, truth.value, 1e-5 * truth.value);
    EXPECT_EQ(got.gradients[0].scalar_type(), at::kBFloat16);
    EXPECT_EQ(got.gradients[1].scalar_type(), at::kFloat);
    EXPECT_EQ(got.gradients[2].scalar_type(), at::kDouble);
    EXPECT_EQ(got.gradients[2].sizes(), at::IntArrayRef{1});
    EXPECT_LE(relative_distance(got.gradients[1], truth.gradients[1]), 1e-5);
    EXPECT_LE(relative_distance(got.gradients[2], truth.gradients[2]), 1e-5);
  }
}

TEST(ScoreKlTypes, Float64GivesFloat64) {
  for (const auto form : kForms) {
    for (const auto products : {Products::fp32, Products::bf16}) {
      const auto term = full_term({97, 120, 16}, 3);
      const auto value = score_kl(term, form_of(form, products));
      EXPECT_EQ(value.scalar_type(), at::kDouble);
      expect_close(outcome_of(value, term), by_reference(term), 1e-9);
    }
  }
}

// A leaf, of which the term sees a view, and what the leaf's gradient must be.
void expect_view_works(const torch::Tensor& leaf, const torch::Tensor& view, ScoreTerm term) {
  ASSERT_FALSE(view.is_contiguous() && view.storage_offset() == 0);
  term.student.rows.vectors = view;
  term.student.learnt_scale.requires_grad_(false);
  term.student.columns.vectors.requires_grad_(false);
  const auto want = torch::autograd::grad({reference_value(term)}, {leaf})[0];
  for (const auto form : kForms) {
    const auto got = torch::autograd::grad({score_kl(term, form_of(form))}, {leaf})[0];
    EXPECT_LE(relative_distance(got, want), 1e-9) << text_of(form_of(form));
  }
}

TEST(ScoreKlTypes, Views) {
  const auto term = full_term({33, 40, 6}, 4);
  const auto draw = [&](std::int64_t rows, std::int64_t width) {
    return full_term({rows, 2, width}, 5).student.rows.vectors;
  };
  {
    SCOPED_TRACE("transposed");
    const auto leaf = draw(6, 33);
    expect_view_works(leaf, leaf.t(), term);
  }
  {
    SCOPED_TRACE("columns of a wider tensor");
    const auto leaf = draw(33, 9);
    expect_view_works(leaf, leaf.narrow(1, 2, 6), term);
  }
  {
    SCOPED_TRACE("rows of a longer tensor");
    const auto leaf = draw(40, 6);
    expect_view_works(leaf, leaf.narrow(0, 5, 33), term);
  }
  {
    SCOPED_TRACE("one row for all");
    const auto leaf = draw(1, 6);
    expect_view_works(leaf, leaf.expand({33, 6}), term);
  }
}

TEST(ScoreKlTypes, NormsDoNotMatter) {
  const Size size{97, 120, 16};
  const auto term = make_term("crd", make_sides(Kind::near, size, 6), 10);
  for (const double factor : {1e-12, 1e-4, 1e6, 1e12}) {
    for (const auto products : {Products::fp32, Products::bf16}) {
      for (const auto form : kForms) {
        for (const bool mask : {false, true}) {
          SCOPED_TRACE(c10::str(factor, " ", text_of(form_of(form, products)), ", mask ", mask));
          auto scaled = in_type(term, at::kFloat), plain = term;
          scaled.mask_diagonal = plain.mask_diagonal = mask;
          scaled.student.rows.vectors.detach().mul_(factor);
          scaled.student.columns.vectors.detach().mul_(factor);
          const auto want = by_score_kl(plain, form_of(form, products));
          const auto got = by_score_kl(scaled, form_of(form, products));
          const double bound = products == Products::bf16 ? 1e-2 : 1e-4;
          EXPECT_NEAR(got.value, want.value, bound * want.value);
          EXPECT_LE(relative_distance(got.gradients[0] * factor, want.gradients[0]), bound);
          EXPECT_LE(relative_distance(got.gradients[1] * factor, want.gradients[1]), bound);
        }
      }
    }
  }
}

TEST(ScoreKlTypes, WithoutAutograd) {
  for (const auto form : kForms) {
    for (const char* loss : kTerms) {
      const auto term = make_term(loss, make_sides(Kind::random, {97, 120, 16}, 7), 10);
      const auto with = score_kl(term, form_of(form));
      const at::NoGradGuard guard;
      const auto without = score_kl(term, form_of(form));
      EXPECT_TRUE(with.requires_grad());
      EXPECT_FALSE(without.requires_grad());
      EXPECT_EQ(with.item<float>(), without.item<float>());
    }
  }
}

TEST(ScoreKlTypes, AConstantStudentGivesAConstant) {
  auto term = make_term("vl", make_sides(Kind::random, {33, 40, 16}, 8), 10);
  const auto value = score_kl(term).item<float>();
  term.student.rows.vectors = term.student.rows.vectors.detach();
  EXPECT_FALSE(score_kl(term).requires_grad());
  EXPECT_EQ(score_kl(term).item<float>(), value);
}

TEST(ScoreKlTypes, InInferenceMode) {
  const auto sides = make_sides(Kind::random, {33, 40, 16}, 9);
  const auto want = score_kl(make_term("crd", sides, 10)).item<float>();
  const c10::InferenceMode guard;
  EXPECT_EQ(score_kl(make_term("crd", sides, 10)).item<float>(), want);
}

}  // namespace
}  // namespace dime::test
