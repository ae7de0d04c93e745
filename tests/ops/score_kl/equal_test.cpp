// SPDX-License-Identifier: Apache-2.0
// A student that is its teacher, bit for bit: the loss is 0 and so is every gradient, not just nearly.
#include <gtest/gtest.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"

namespace dime::test {
namespace {

enum class Storage { own, shared, shifted };

// `x` again: in storage of its own, in the same, or in the middle of another tensor's.
torch::Tensor again(const torch::Tensor& x, Storage storage) {
  if (storage == Storage::shared) return x.detach();
  if (storage == Storage::own) return x.detach().clone();
  auto room = at::empty({x.numel() + 3}, x.options().requires_grad(false));
  return room.narrow(0, 3, x.numel()).view(x.sizes()).copy_(x.detach());
}

// The teacher's matrix is the student's.
ScoreTerm equal_term(const std::string& loss, const Sides& sides, Storage storage, double temperature) {
  Sides same = sides;
  same.teacher_images = again(sides.student_images, storage);
  same.teacher_texts = again(sides.student_texts, storage);
  auto term = make_term(loss, same, 100, temperature);
  if (term.teacher.learnt_scale.defined()) term.teacher.learnt_scale = term.student.learnt_scale.detach().clone();
  return term;
}

void expect_exactly_zero(const ScoreTerm& term) {
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    for (const auto products : {Products::fp32, Products::bf16}) {
      const auto options = form_of(form, products);
      SCOPED_TRACE(text_of(options));
      const auto got = by_score_kl(term, options);
      EXPECT_EQ(got.value, 0);
      for (const auto& gradient : got.gradients) EXPECT_EQ(gradient.abs().max().item<double>(), 0);
    }
  }
}

TEST(ScoreKlEqual, ExactlyZero) {
  constexpr Size kSizes[] = {{1, 1, 1},     {2, 5, 3},    {7, 97, 16},  {97, 200, 33},
                             {161, 96, 48}, {321, 97, 7}, {33, 40, 768}};
  std::uint64_t seed = 0;
  for (const auto& size : kSizes) {
    const auto sides = make_sides(seed % 2 == 0 ? Kind::random : Kind::cone, size, seed);
    ++seed;
    for (const auto storage : {Storage::own, Storage::shared, Storage::shifted}) {
      for (const char* loss : kTerms) {
        SCOPED_TRACE(c10::str(loss, " of ", size.rows, " x ", size.columns, " x ", size.width, ", storage ",
                              static_cast<int>(storage)));
        expect_exactly_zero(equal_term(loss, sides, storage, seed % 3 == 0 ? 0.05 : 1));
      }
    }
  }
}

TEST(ScoreKlEqual, ExactlyZeroInFloat64AndWithAMask) {
  const auto sides = make_sides(Kind::random, {97, 120, 16}, 9);
  for (const char* loss : kTerms) {
    SCOPED_TRACE(loss);
    auto term = equal_term(loss, sides, Storage::own, 1);
    term.mask_diagonal = true;
    expect_exactly_zero(term);
    expect_exactly_zero(in_type(term, at::kDouble));
  }
}

TEST(ScoreKlEqual, OneBitMoreIsNotZero) {
  const auto sides = make_sides(Kind::random, {97, 96, 16}, 10);
  auto term = equal_term("vl", sides, Storage::own, 1);
  term.teacher.rows.vectors[40][3] *= 1.001;
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    const auto got = by_score_kl(term, form_of(form));
    EXPECT_GT(got.value, 0);
    EXPECT_GT(got.gradients[0][40].norm().item<double>(), 0);
  }
}

}  // namespace
}  // namespace dime::test
