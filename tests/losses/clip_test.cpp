// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "support/plugins.hpp"

namespace dime::test {
namespace {

TEST(Clip, Gradients) {
  const auto loss = make_loss("clip", options({{"scale", "3"}}));
  auto in = input();
  expect_gradient(*loss, in, in.student.image);
  expect_gradient(*loss, in, in.student.text);
  in.student.logit_scale = at::full({}, 4.0, at::kDouble).requires_grad_();
  expect_gradient(*loss, in, in.student.logit_scale);
}

TEST(Clip, IsTheMeanOfBothCrossEntropies) {
  auto in = input();
  const at::NoGradGuard guard;
  const auto s = 7 * at::mm(in.student.image / in.student.image.norm(2, {1}, true),
                            (in.student.text / in.student.text.norm(2, {1}, true)).t());
  const double want = -(s.log_softmax(1).diagonal().mean() + s.log_softmax(0).diagonal().mean()).item<double>() / 2;
  EXPECT_NEAR(make_loss("clip", options({{"scale", "7"}}))->forward(in).item<double>(), want, 1e-12);
  in.student.logit_scale = at::full({}, 7.0, at::kDouble);
  EXPECT_NEAR(make_loss("clip")->forward(in).item<double>(), want, 1e-12) << "the student's own scale goes first";
}

TEST(Clip, Needs) {
  const auto n = loss_needs("clip");
  EXPECT_TRUE(!n.teacher_image && !n.teacher_text && n.student_text && n.pairs);
}

TEST(Clip, Messages) {
  auto in = input();
  in.pairs = false;
  EXPECT_EQ(forward_error("clip", in), "[loss/clip] needs pairs: give data.pairs and `on: pairs`");
  in.pairs = true;
  in.student.text = draw(4, 6, 1);
  EXPECT_EQ(forward_error("clip", in), "[loss/clip] needs as many texts as images, got 4 and 5");
  in.student.text = torch::Tensor();
  EXPECT_EQ(forward_error("clip", in),
            "[loss/clip] needs the student's text vectors: give data.pairs and models.student.text");
  EXPECT_EQ(forward_error("clip", LossInput{}), "[loss/clip] needs the student's image vectors: give data.pairs");
}

}  // namespace
}  // namespace dime::test
