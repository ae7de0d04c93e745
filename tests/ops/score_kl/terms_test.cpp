// SPDX-License-Identifier: Apache-2.0
// Several terms in one call, the work that losses share, and threads.
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

// The terms of a step: they have images in common, and one of them looks at other numbers of texts.
std::vector<ScoreTerm> terms_of_a_step(const Size& size) {
  const auto sides = make_sides(Kind::near, size, 1);
  auto few = sides;
  few.teacher_texts = sides.teacher_texts.narrow(0, 0, 5);
  std::vector<ScoreTerm> terms;
  for (const char* loss : kTerms) terms.push_back(make_term(loss, sides, 30, 1.5));
  terms.push_back(make_term("vl", few, 30));
  terms.push_back(make_term("udist", sides, 10));
  terms.back().mask_diagonal = true;
  return terms;
}

std::vector<ScoreKlOptions> all_options() {
  std::vector<ScoreKlOptions> all;
  for (const auto products : {Products::fp32, Products::bf16}) {
    for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) all.push_back(form_of(form, products));
  }
  return all;
}

// What the values of `values` give alone.
Outcome outcome_within(const torch::Tensor& value, const ScoreTerm& term) {
  return {value.item<double>(), torch::autograd::grad({value}, leaves_of(term), {}, true)};
}

TEST(ScoreKlTerms, TogetherAsAlone) {
  const auto terms = terms_of_a_step({161, 130, 48});
  for (const auto& options : all_options()) {
    SCOPED_TRACE(text_of(options));
    const auto values = score_kl(terms, options);
    ASSERT_EQ(values.size(), terms.size());
    for (std::size_t i = 0; i < terms.size(); ++i) {
      SCOPED_TRACE(i);
      expect_close(outcome_within(values[i], terms[i]), by_score_kl(terms[i], options), 1e-6, 1e-8);
    }
  }
}

TEST(ScoreKlTerms, GradientsOfASumAddUp) {
  const auto terms = terms_of_a_step({97, 130, 16});
  const auto leaf = terms[0].student.rows.vectors;
  for (const auto& options : all_options()) {
    torch::Tensor sum, want = at::zeros_like(leaf);
    for (const auto& value : score_kl(terms, options)) sum = sum.defined() ? sum + 2 * value : 2 * value;
    for (const auto& term : terms) want += 2 * by_score_kl(term, options).gradients[0];
    EXPECT_LE(relative_distance(torch::autograd::grad({sum}, {leaf})[0], want), 1e-6) << text_of(options);
  }
}

TEST(ScoreKlTerms, OfOtherRowsAndTypes) {
  auto terms = terms_of_a_step({97, 130, 16});
  terms.push_back(make_term("crd", make_sides(Kind::random, {33, 7, 16}, 2)));
  terms.push_back(in_type(terms[0], at::kDouble));
  const auto options = form_of(ScoreForm::tiled);
  const auto values = score_kl(terms, options);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    expect_close(outcome_within(values[i], terms[i]), by_score_kl(terms[i], options), 1e-6, 1e-8);
  }
  EXPECT_EQ(values.back().scalar_type(), at::kDouble);
  EXPECT_EQ(values.front().scalar_type(), at::kFloat);
}

// Which form it takes is a matter of time alone.
TEST(ScoreKlTerms, TheAutomaticFormIsOneOfBoth) {
  for (const Size& size : {Size{7, 5, 3}, Size{64, 64, 16}, Size{161, 130, 16}}) {
    const auto term = make_term("crd", make_sides(Kind::random, size, 3));
    const auto got = by_score_kl(term);
    const bool as_tiled = got.value == by_score_kl(term, form_of(ScoreForm::tiled)).value;
    EXPECT_TRUE(as_tiled || got.value == by_score_kl(term, form_of(ScoreForm::direct)).value);
    expect_close(got, truth_of(term), 1e-4);
  }
}

TEST(ScoreKlTerms, NoTermsGiveNoValues) { EXPECT_TRUE(score_kl(std::vector<ScoreTerm>{}).empty()); }

TEST(ScoreWorkTest, GivesTheSameValues) {
  const auto terms = terms_of_a_step({97, 130, 16});
  for (const auto& options : all_options()) {
    SCOPED_TRACE(text_of(options));
    ScoreWork work;
    for (const auto& term : terms) work.expect({term}, options);
    for (const auto& term : terms) {
      const auto value = work.value(term, options);
      expect_close(outcome_within(value, term), by_score_kl(term, options), 1e-6, 1e-8);
      EXPECT_TRUE(work.value(term, options).is_same(value)) << "asked for again";
    }
  }
}

TEST(ScoreWorkTest, ComputesWhatWasNotAnnounced) {
  const auto terms = terms_of_a_step({97, 130, 16});
  const auto options = form_of(ScoreForm::tiled), others = form_of(ScoreForm::direct);
  ScoreWork work;
  work.expect({terms[0], terms[1]}, options);
  expect_close(outcome_within(work.value(terms[2], options), terms[2]), by_score_kl(terms[2], options), 1e-6);
  expect_close(outcome_within(work.value(terms[0], others), terms[0]), by_score_kl(terms[0], others), 1e-6);
  auto warmer = terms[0];
  warmer.temperature = 4;
  EXPECT_NEAR(work.value(warmer, options).item<double>(), truth_of(warmer).value, 1e-5);
  expect_close(outcome_within(work.value(terms[0], options), terms[0]), by_score_kl(terms[0], options), 1e-6);
}

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

Outcome with_threads(int count, const ScoreTerm& term, const ScoreKlOptions& options) {
  const Threads threads(count);
  return by_score_kl(term, options);
}

TEST(ScoreKlThreads, AgreeAndRepeat) {
  const auto sides = make_sides(Kind::near, {1000, 333, 32}, 1);
  for (const char* loss : kTerms) {
    for (const auto products : {Products::fp32, Products::bf16}) {
      const auto options = form_of(ScoreForm::tiled, products);
      const auto term = make_term(loss, sides, 30);
      const auto alone = with_threads(1, term, options);
      for (const int count : {1, 2, 3}) {
        SCOPED_TRACE(c10::str(loss, " ", text_of(options), ", ", count, " threads"));
        const auto first = with_threads(count, term, options), second = with_threads(count, term, options);
        // Sums in another order round some factors to another number of bf16.
        expect_close(first, alone, products == Products::bf16 ? 5e-4 : 1e-6, 1e-7);
        EXPECT_EQ(first.value, second.value);
        for (std::size_t i = 0; i < first.gradients.size(); ++i) {
          EXPECT_TRUE(at::equal(first.gradients[i], second.gradients[i])) << "gradient " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dime::test
