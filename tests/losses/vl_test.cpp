// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "losses/golden.hpp"
#include "support/plugins.hpp"

namespace dime::test {
namespace {

TEST(Vl, Float64) { expect_golden_in_float64("vl"); }

TEST(Vl, Float32) { expect_golden_in_float32("vl"); }

TEST(Vl, Gradient) {
  const auto loss = make_loss("vl", options({{"scale", "5"}, {"temperature", "1.5"}}));
  const auto in = input();
  expect_gradient(*loss, in, in.student.image);
}

TEST(Vl, Needs) {
  const auto n = loss_needs("vl");
  EXPECT_TRUE(n.teacher_image && n.teacher_text && !n.student_text && !n.pairs);
}

TEST(Vl, MissingSides) {
  expect_messages_of_missing_images("vl");
  auto in = input();
  in.teacher.text = torch::Tensor();
  EXPECT_EQ(forward_error("vl", in), "[loss/vl] needs the teacher's text vectors: give data.texts or data.pairs");
}

TEST(Vl, WidthsThatDiffer) { expect_message_of_widths("vl"); }

TEST(Vl, Options) { expect_score_options_checked("vl"); }

}  // namespace
}  // namespace dime::test
