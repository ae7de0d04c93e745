// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "support/plugins.hpp"

namespace dime::test {
namespace {

TEST(Fd, IsTheMeanSquaredError) {
  const auto in = input();
  const auto loss = make_loss("fd");
  loss->build({6, 6, false, {}});
  EXPECT_TRUE(loss->parameters().empty());
  const double want = (in.student.image - in.teacher.image).square().mean().item<double>();
  EXPECT_NEAR(loss->forward(in).item<double>(), want, 1e-12);
  expect_gradient(*loss, in, in.student.image);
}

TEST(Fd, AddsTheTextsOfAStudentWithATextTower) {
  const auto in = input();
  const auto loss = make_loss("fd");
  loss->build({6, 6, true, {}});
  const double want =
      ((in.student.image - in.teacher.image).square().mean() + (in.student.text - in.teacher.text).square().mean())
          .item<double>();
  EXPECT_NEAR(loss->forward(in).item<double>(), want, 1e-12);
  expect_gradient(*loss, in, in.student.text);
}

TEST(Fd, Normalises) {
  auto in = input();
  const auto loss = make_loss("fd", options({{"normalize", "true"}}));
  loss->build({6, 6, false, {}});
  const double before = loss->forward(in).item<double>();
  expect_gradient(*loss, in, in.student.image);
  in.student.image = in.student.image.detach() * 3;
  in.teacher.image = in.teacher.image * 0.5;
  EXPECT_NEAR(loss->forward(in).item<double>(), before, 1e-12);
}

TEST(Fd, LearnsProjectorsWhereWidthsDiffer) {
  const auto in = input(4, 6);
  const auto loss = make_loss("fd");
  loss->build({4, 6, true, {}});
  loss->to(at::kDouble);
  std::vector<std::string> names;
  for (const auto& item : loss->named_parameters()) names.push_back(item.key() + c10::str(item.value().sizes()));
  EXPECT_EQ(names, (std::vector<std::string>{"image_projector_weight[6, 4]", "text_projector_weight[6, 4]"}));
  for (const auto& p : loss->parameters()) expect_gradient(*loss, in, p);
  expect_gradient(*loss, in, in.student.image);
}

TEST(Fd, Needs) {
  const auto n = loss_needs("fd");
  EXPECT_TRUE(n.teacher_image && !n.teacher_text && !n.student_text && !n.pairs);
}

TEST(Fd, MissingSides) { expect_messages_of_missing_images("fd"); }

TEST(Fd, WidthsThatDifferBeforeBuild) {
  EXPECT_EQ(forward_error("fd", input(4, 6)),
            "[loss/fd] the student's vectors are 4 wide, the teacher's 6; call build() first");
}

}  // namespace
}  // namespace dime::test
