// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "losses/golden.hpp"
#include "support/plugins.hpp"

namespace dime::test {
namespace {

TEST(Pvl, Float64) { expect_golden_in_float64("pvl"); }

TEST(Pvl, Float32) { expect_golden_in_float32("pvl"); }

TEST(Pvl, Gradient) {
  const auto loss = make_loss("pvl", options({{"scale", "5"}, {"temperature", "1.5"}}));
  const auto in = input();
  expect_gradient(*loss, in, in.student.image);
}

TEST(Pvl, Needs) {
  const auto n = loss_needs("pvl");
  EXPECT_TRUE(n.teacher_image && !n.teacher_text && !n.student_text && !n.pairs);
}

TEST(Pvl, MissingSides) { expect_messages_of_missing_images("pvl"); }

TEST(Pvl, WidthsThatDiffer) { expect_message_of_widths("pvl"); }

TEST(Pvl, Options) { expect_score_options_checked("pvl"); }

}  // namespace
}  // namespace dime::test
