// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include <dime/error.hpp>

#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

ScoreTerm small_term() { return make_term("crd", make_sides(Kind::random, {4, 5, 3}, 1), 10); }

// What check_score_term says of a term that `change` made wrong; score_kl and ScoreWork must say the same.
template <class F>
std::string refusal(F&& change) {
  auto term = small_term();
  change(term);
  const auto text = error_text<ArgumentError>([&] { check_score_term(term); });
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl(term); }), text);
  EXPECT_EQ(error_text<ArgumentError>([&] { ScoreWork().expect({term}, {}); }), text);
  return text;
}

TEST(ScoreKlErrors, Vectors) {
  EXPECT_NO_THROW(check_score_term(small_term()));
  EXPECT_EQ(refusal([](ScoreTerm& t) { t.student.columns.vectors = torch::Tensor(); }),
            "[loss/crd] score_kl() needs the student's text vectors");
  EXPECT_EQ(refusal([](ScoreTerm& t) { t.teacher.rows.vectors = torch::Tensor(); }),
            "[loss/crd] score_kl() needs the teacher's image vectors");
  EXPECT_EQ(refusal([](ScoreTerm& t) { t.teacher.rows.vectors = at::ones({4}); }),
            "[loss/crd] score_kl() takes the teacher's image vectors as rows of numbers [n, d], not CPUFloatType[4]");
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.student.rows.vectors = at::ones({4, 3}, at::kLong);
            }),
            "[loss/crd] score_kl() takes the student's image vectors as rows of numbers [n, d], not CPULongType[4, 3]");
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.teacher.columns.vectors = at::ones({0, 3});
            }),
            "[loss/crd] score_kl() takes the teacher's text vectors as rows of numbers [n, d], not CPUFloatType[0, 3]");
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.student.rows.vectors = at::ones({4, 6});
            }),
            "[loss/crd] the student's image vectors are 6 wide, the student's text vectors 3; score vectors of one "
            "width, or add a projector");
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.teacher.columns.vectors = at::ones({5, 3}, at::kMeta);
            }),
            "[loss/crd] the teacher's image vectors are on cpu, the teacher's text vectors on meta");
}

TEST(ScoreKlErrors, NumbersOfRows) {
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.teacher.rows.vectors = at::ones({7, 3});
            }),
            "[loss/crd] there are 7 of the teacher's image vectors and 4 of the student's image vectors; a term "
            "compares the same rows");
  EXPECT_EQ(refusal([](ScoreTerm& t) {
              t.student.columns.vectors = at::ones({7, 3});
            }),
            "[loss/crd] there are 5 of the teacher's text vectors and 7 of the student's text vectors; a term compares "
            "the same rows");
}

TEST(ScoreKlErrors, Numbers) {
  EXPECT_EQ(refusal([](ScoreTerm& t) { t.student.learnt_scale = at::ones({2}); }),
            "[loss/crd] a learnt scale must be one number, not CPUFloatType[2]");
  EXPECT_EQ(refusal([](ScoreTerm& t) { t.teacher.learnt_scale = at::ones({}, at::kLong); }),
            "[loss/crd] a learnt scale must be one number, not CPULongType[]");
  const auto scale = [](double x) {
    return [x](ScoreTerm& t) {
      t.student.learnt_scale = torch::Tensor();
      t.student.scale = x;
    };
  };
  EXPECT_EQ(refusal(scale(0)), "[loss/crd] the scale must be > 0 and finite, got 0");
  EXPECT_EQ(refusal(scale(kInfinity)), "[loss/crd] the scale must be > 0 and finite, got inf");
  EXPECT_EQ(refusal(scale(kNan)), "[loss/crd] the scale must be > 0 and finite, got nan");
  for (const auto& [bad, text] : {std::pair{0.0, "0"}, {-1.0, "-1"}, {kInfinity, "inf"}, {kNan, "nan"}}) {
    EXPECT_EQ(refusal([x = bad](ScoreTerm& t) { t.temperature = x; }),
              std::string("[loss/crd] the temperature must be > 0 and finite, got ") + text);
  }
  for (const auto& [bad, text] : {std::pair{-1.0, "-1"}, {kInfinity, "inf"}, {kNan, "nan"}}) {
    EXPECT_EQ(refusal([x = bad](ScoreTerm& t) { t.rows_weight = x; }),
              std::string("[loss/crd] the weight of the rows must be >= 0 and finite, got ") + text);
    EXPECT_EQ(refusal([x = bad](ScoreTerm& t) { t.columns_weight = x; }),
              std::string("[loss/crd] the weight of the columns must be >= 0 and finite, got ") + text);
  }
}

TEST(ScoreKlErrors, ATeacherThatWantsAGradient) {
  const auto want = [](ScoreTerm& t) { t.teacher.columns.vectors = at::ones({5, 3}).requires_grad_(); };
  EXPECT_EQ(refusal(want),
            "[loss/crd] the teacher's text vectors want a gradient, but a teacher is a constant of score_kl(): detach "
            "them");
  auto term = small_term();
  want(term);
  const at::NoGradGuard guard;
  EXPECT_NO_THROW(score_kl(term)) << "nobody asks for one";
}

// The message of score_kl, which both forms share.
std::string failure(const ScoreTerm& term) {
  const auto text = error_text<ArgumentError>([&] { score_kl(term, form_of(ScoreForm::tiled)); });
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl(term, form_of(ScoreForm::direct)); }), text);
  return text;
}

torch::Tensor* side(ScoreTerm& term, int i) {
  return std::array{&term.student.rows.vectors, &term.student.columns.vectors, &term.teacher.rows.vectors,
                    &term.teacher.columns.vectors}[static_cast<std::size_t>(i)];
}

constexpr const char* kSides[] = {"the student's image vectors", "the student's text vectors",
                                  "the teacher's image vectors", "the teacher's text vectors"};

TEST(ScoreKlErrors, RowsOfZeros) {
  for (int i = 0; i < 4; ++i) {
    auto term = small_term();
    side(term, i)->detach()[3].zero_();
    EXPECT_EQ(failure(term), std::string("[loss/crd] row 3 of ") + kSides[i] + " is all zeros: it has no direction");
  }
}

TEST(ScoreKlErrors, ATeachersRowsThatAreNotFinite) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    for (int i = 2; i < 4; ++i) {
      auto term = small_term();
      side(term, i)->detach()[2][1] = bad;
      EXPECT_EQ(failure(term), std::string("[loss/crd] row 2 of ") + kSides[i] + " is not finite");
    }
  }
}

TEST(ScoreKlErrors, AStudentsRowsThatAreNotFiniteGiveNan) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    for (int i = 0; i < 2; ++i) {
      for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
        for (const auto products : {Products::fp32, Products::bf16}) {
          auto term = make_term("crd", make_sides(Kind::random, {97, 120, 16}, 2));
          side(term, i)->detach()[70][3] = bad;
          const auto got = by_score_kl(term, form_of(form, products));
          EXPECT_TRUE(std::isnan(got.value));
          for (const auto& gradient : got.gradients) EXPECT_TRUE(gradient.isnan().all().item<bool>());
        }
      }
    }
  }
}

TEST(ScoreKlErrors, ALearntScaleThatIsNotFiniteGivesNan) {
  for (const double bad : {kNan, kInfinity}) {
    for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
      auto term = make_term("crd", make_sides(Kind::random, {97, 120, 16}, 2));
      term.student.learnt_scale.detach().fill_(bad);
      EXPECT_TRUE(std::isnan(score_kl(term, form_of(form)).item<double>())) << bad << " " << text_of(form_of(form));
    }
  }
}

constexpr auto kNoSecond =
    "score_kl() has no second derivative: take its gradient without create_graph, or compute the term from scores() "
    "and torch's softmax";

TEST(ScoreKlErrors, SecondDerivatives) {
  for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
    const auto term = small_term();
    const auto leaves = leaves_of(term);
    const auto value = score_kl(term, form_of(form));
    const auto gradients = torch::autograd::grad({value}, leaves, {}, true, true);
    const auto plain = by_score_kl(term, form_of(form));
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      EXPECT_TRUE(at::equal(gradients[i], plain.gradients[i])) << "create_graph alone is no error";
      const auto penalty = gradients[i].square().sum();
      EXPECT_EQ(error_text<ArgumentError>([&] { torch::autograd::grad({penalty}, leaves, {}, true); }), kNoSecond);
      EXPECT_EQ(error_text<ArgumentError>([&] { (value + penalty).backward({}, true); }), kNoSecond);
    }
  }
}

// A penalty on another gradient needs create_graph; score_kl beside it is no hindrance.
TEST(ScoreKlErrors, OthersMayTakeSecondDerivativesBesideIt) {
  const auto term = small_term();
  const auto x = at::ones({3}, at::kFloat).requires_grad_();
  const auto sum = score_kl(term) + x.pow(3).sum();
  const auto gradients = torch::autograd::grad({sum}, {term.student.rows.vectors, x}, {}, true, true);
  const auto second = torch::autograd::grad({gradients[1].sum()}, {x})[0];
  EXPECT_LE(distance(second, 6 * at::ones({3})), 1e-6);
}

TEST(ScoreKlErrors, BackwardTwice) {
  const auto term = small_term();
  const auto value = score_kl(term);
  const auto first = torch::autograd::grad({value}, leaves_of(term), {}, true);
  const auto kept = torch::autograd::grad({value}, leaves_of(term));
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(first[i], kept[i]));
  EXPECT_EQ(error_text<ArgumentError>([&] { torch::autograd::grad({value}, leaves_of(term)); }),
            "score_kl(): backward ran through this value before; keep the graph (retain_graph) to do so again");
}

}  // namespace
}  // namespace dime::test
