// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "losses/checks.hpp"
#include "support/errors.hpp"
#include "support/plugins.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

torch::Tensor scores_of(const Encodings& e, double scale) { return scores(e.image, e.text, scale); }

// By torch's softmax on whole matrices.
torch::Tensor by_torch(const LossInput& in, double student_scale, double teacher_scale, double temperature) {
  const auto student = scores_of(in.student, student_scale), teacher = scores_of(in.teacher, teacher_scale);
  return (score_kl(teacher, student, temperature) + score_kl(teacher.t(), student.t(), temperature)) / 2;
}

LossInput input_with_scales() {
  auto in = input();
  in.student.logit_scale = at::full({}, 4.0, at::kDouble).requires_grad_();
  in.teacher.logit_scale = at::full({}, 6.0, at::kDouble);
  return in;
}

TEST(Crd, IsTheMeanOfBothDivergences) {
  auto in = input();
  const auto loss = make_loss("crd", options({{"scale", "7"}, {"temperature", "1.5"}}));
  EXPECT_NEAR(loss->forward(in).item<double>(), by_torch(in, 7, 7, 1.5).item<double>(), 1e-12);
  in = input_with_scales();
  EXPECT_NEAR(loss->forward(in).item<double>(), by_torch(in, 4, 6, 1.5).item<double>(), 1e-12)
      << "the models' own scales go first";
}

TEST(Crd, Gradients) {
  for (const char* form : {"direct", "tiled"}) {
    SCOPED_TRACE(form);
    const auto loss = make_loss("crd", options({{"scale", "5"}, {"temperature", "1.5"}, {"form", form}}));
    for (const auto& in : {input(), input_with_scales()}) {
      expect_gradient(*loss, in, in.student.image);
      expect_gradient(*loss, in, in.student.text);
      if (in.student.logit_scale.defined()) expect_gradient(*loss, in, in.student.logit_scale);
    }
  }
}

TEST(Crd, GradientsAreThoseOfTorch) {
  const auto in = input();
  const auto leaves = {in.student.image, in.student.text};
  const auto want = torch::autograd::grad({by_torch(in, 100, 100, 1)}, leaves);
  const auto got = torch::autograd::grad({make_loss("crd")->forward(in)}, leaves);
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_LE(relative_distance(got[i], want[i]), 1e-9);
}

TEST(Crd, TakesAStudentOfAnotherWidth) {
  const auto loss = make_loss("crd", options({{"scale", "5"}}));
  EXPECT_NO_THROW(loss->build({4, 6, true, {}}));
  const auto in = input(4, 6);
  expect_gradient(*loss, in, in.student.image);
  expect_gradient(*loss, in, in.student.text);
}

TEST(Crd, SharesTheWorkOfAStep) {
  auto in = input_with_scales();
  const auto crd = std::dynamic_pointer_cast<ScoreLoss>(make_loss("crd")),
             vl = std::dynamic_pointer_cast<ScoreLoss>(make_loss("vl"));
  ASSERT_TRUE(crd && vl);
  const double alone = crd->forward(in).item<double>(), other = vl->forward(in).item<double>();
  ScoreWork work;
  in.scores = &work;
  crd->announce(in);
  vl->announce(in);
  EXPECT_NEAR(crd->forward(in).item<double>(), alone, 1e-12 * alone);
  EXPECT_NEAR(vl->forward(in).item<double>(), other, 1e-12 * other);
}

TEST(Crd, Needs) {
  const auto n = loss_needs("crd");
  EXPECT_TRUE(n.teacher_image && n.teacher_text && n.student_text && n.pairs);
  EXPECT_EQ(n.rows, Rows::own);
}

TEST(Crd, Messages) {
  expect_score_options_checked("crd");
  auto in = input();
  in.pairs = false;
  EXPECT_EQ(forward_error("crd", in), "[loss/crd] needs pairs: give data.pairs and `on: pairs`");
  in = input();
  in.student.text = torch::Tensor();
  EXPECT_EQ(forward_error("crd", in),
            "[loss/crd] needs the student's text vectors: give data.pairs and models.student.text");
  in = input();
  in.teacher.text = torch::Tensor();
  EXPECT_EQ(forward_error("crd", in), "[loss/crd] needs the teacher's text vectors: give data.texts or data.pairs");
  in = input();
  in.teacher.image = torch::Tensor();
  EXPECT_EQ(forward_error("crd", in), "[loss/crd] needs the teacher's image vectors: give data.images or data.pairs");
  in = input();
  in.student.text = draw(4, 6, 1);
  EXPECT_EQ(forward_error("crd", in),
            "[loss/crd] there are 5 of the teacher's text vectors and 4 of the student's text vectors; a term compares "
            "the same rows");
}

}  // namespace
}  // namespace dime::test
