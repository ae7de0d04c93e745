// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <dime/loss.hpp>

#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

TEST(Scores, AreScaledCosines) {
  const auto a = at::tensor({3.0, 4.0, 0.0, 2.0}, at::kDouble).view({2, 2});
  const auto b = at::tensor({1.0, 0.0, 0.0, 5.0, -7.0, 0.0}, at::kDouble).view({3, 2});
  const auto want = at::tensor({60.0, 80.0, -60.0, 0.0, 100.0, 0.0}, at::kDouble).view({2, 3});
  EXPECT_LE(distance(scores(a, b), want), 1e-12);
  EXPECT_LE(distance(scores(a, b, 1.0), want / 100), 1e-14);
}

TEST(Scores, TinyRowsKeepTheirDirection) {
  const auto a = at::tensor({3e-30, 4e-30}, at::kDouble).view({1, 2});
  EXPECT_LE(distance(scores(a, a, 1.0), at::ones({1, 1})), 1e-12);
}

TEST(Scores, AreComputedInTheTypeOfTheFirstSide) {
  EXPECT_EQ(scores(at::ones({2, 3}, at::kFloat), at::ones({2, 3}, at::kDouble)).scalar_type(), at::kFloat);
}

std::string scores_message(const torch::Tensor& a, const torch::Tensor& b) {
  return error_text<ArgumentError>([&] { scores(a, b); });
}

TEST(Scores, Messages) {
  const auto x = at::ones({4, 3});
  EXPECT_EQ(scores_message({}, x), "scores(): the first side is missing");
  EXPECT_EQ(scores_message(x, {}), "scores(): the second side is missing");
  EXPECT_EQ(scores_message(x[0], x),
            "scores(): the first side takes rows of numbers [B, d], got float with 1 dimensions");
  EXPECT_EQ(scores_message(x, at::ones({4, 5})),
            "scores(): the first side is 3 wide, the second 5; score vectors of one width, or add a projector");
  auto zero = at::ones({4, 3});
  zero[3].zero_();
  EXPECT_EQ(scores_message(zero, x), "scores(): row 3 of the first side is all zeros");
  EXPECT_EQ(scores_message(x, zero), "scores(): row 3 of the second side is all zeros");
}

TEST(ScoreKl, IsTheMeanOverRowsWithoutTemperatureSquared) {
  const auto teacher = at::tensor({1.0, 3.0, 0.0, 2.0, 2.0, 2.0}, at::kDouble).view({2, 3});
  const auto student = at::tensor({2.0, 1.0, 0.5, -1.0, 0.0, 4.0}, at::kDouble).view({2, 3});
  const auto p = (teacher / 3).softmax(1), q = (student / 3).softmax(1);
  EXPECT_NEAR(score_kl(teacher, student, 3).item<double>(), (p * (p / q).log()).sum().item<double>() / 2, 1e-14);
  EXPECT_NEAR(score_kl(teacher, teacher, 3).item<double>(), 0, 1e-15);
}

TEST(ScoreKl, GradientsFlowToBothSides) {
  const auto draw = [] { return at::randn({3, 4}, at::kDouble).requires_grad_(); };
  const auto teacher = draw(), student = draw();
  const auto grads = torch::autograd::grad({score_kl(teacher, student, 2)}, {teacher, student});
  const auto p = (teacher.detach() / 2).softmax(1), q = (student.detach() / 2).softmax(1);
  EXPECT_LE(distance(grads[1], (q - p) / (2 * 3)), 1e-14);
  const auto log_ratio = (p / q).log();
  EXPECT_LE(distance(grads[0], p * (log_ratio - (p * log_ratio).sum(1, true)) / (2 * 3)), 1e-14);
}

TEST(ScoreKl, Messages) {
  const auto x = at::ones({2, 3});
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl({}, x); }), "score_kl(): the teacher's scores are missing");
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl(x, {}); }), "score_kl(): the student's scores are missing");
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl(x, x.t()); }),
            "score_kl(): the teacher's scores [2, 3] and the student's [3, 2] must be matrices of one shape [B, N]");
  EXPECT_EQ(error_text<ArgumentError>([&] { score_kl(x, x, 0); }), "score_kl(): the temperature must be > 0, got 0");
}

}  // namespace
}  // namespace dime::test
