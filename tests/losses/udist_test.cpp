// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "losses/golden.hpp"
#include "support/plugins.hpp"

namespace dime::test {
namespace {

TEST(Udist, Float64) { expect_golden_in_float64("udist"); }

TEST(Udist, Float32) { expect_golden_in_float32("udist"); }

TEST(Udist, Gradient) {
  const auto loss = make_loss("udist", options({{"scale", "5"}, {"temperature", "1.5"}}));
  const auto in = input();
  expect_gradient(*loss, in, in.student.image);
}

TEST(Udist, TakesAStudentOfAnotherWidth) {
  const auto loss = make_loss("udist", options({{"scale", "5"}}));
  const auto in = input(4, 6);
  expect_gradient(*loss, in, in.student.image);
}

TEST(Udist, Needs) {
  const auto n = loss_needs("udist");
  EXPECT_TRUE(n.teacher_image && !n.teacher_text && !n.student_text && !n.pairs);
}

TEST(Udist, MissingSides) { expect_messages_of_missing_images("udist"); }

TEST(Udist, Options) { expect_score_options_checked("udist"); }

}  // namespace
}  // namespace dime::test
