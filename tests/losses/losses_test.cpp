// SPDX-License-Identifier: Apache-2.0
// What every loss owes: gradients that agree with finite differences, needs, and messages.
#include <gtest/gtest.h>

#include "support/plugins.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

torch::Tensor draw(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn({rows, width}, generator, at::kDouble);
}

LossInput input(std::int64_t student_dim = 6, std::int64_t teacher_dim = 6) {
  LossInput in;
  in.teacher.image = draw(5, teacher_dim, 1);
  in.teacher.text = draw(5, teacher_dim, 2);
  in.student.image = draw(5, student_dim, 3).requires_grad_();
  in.student.text = draw(5, student_dim, 4).requires_grad_();
  in.pairs = true;
  return in;
}

// Central differences of every element of `x`.
torch::Tensor differences(Loss& loss, const LossInput& in, torch::Tensor x) {
  const at::NoGradGuard guard;
  constexpr double kStep = 1e-6;
  auto gradient = at::zeros_like(x);
  auto flat = x.view({-1});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto element = flat[i];
    element.add_(kStep);
    const double above = loss.forward(in).item<double>();
    element.sub_(2 * kStep);
    const double below = loss.forward(in).item<double>();
    element.add_(kStep);
    gradient.view({-1})[i] = (above - below) / (2 * kStep);
  }
  return gradient;
}

void check_gradient(Loss& loss, const LossInput& in, const torch::Tensor& x) {
  const auto gradient = torch::autograd::grad({loss.forward(in)}, {x})[0];
  EXPECT_LE(distance(gradient, differences(loss, in, x)), 1e-7 * std::max(1.0, gradient.norm().item<double>()));
  EXPECT_GT(gradient.norm().item<double>(), 1e-3);
}

TEST(Losses, GradientsOfScoreLosses) {
  for (const std::string name : {"vl", "pvl", "udist"}) {
    SCOPED_TRACE(name);
    const auto loss = make_loss(name, options({{"scale", "5"}, {"temperature", "1.5"}}));
    const auto in = input();
    check_gradient(*loss, in, in.student.image);
  }
}

TEST(Losses, UdistTakesAStudentOfAnotherWidth) {
  const auto loss = make_loss("udist", options({{"scale", "5"}}));
  const auto in = input(4, 6);
  check_gradient(*loss, in, in.student.image);
}

TEST(Losses, ClipGradients) {
  const auto loss = make_loss("clip", options({{"scale", "3"}}));
  auto in = input();
  check_gradient(*loss, in, in.student.image);
  check_gradient(*loss, in, in.student.text);
  in.student.logit_scale = at::full({}, 4.0, at::kDouble).requires_grad_();
  check_gradient(*loss, in, in.student.logit_scale);
}

TEST(Losses, ClipIsTheMeanOfBothCrossEntropies) {
  auto in = input();
  const at::NoGradGuard guard;
  const auto s = 7 * at::mm(in.student.image / in.student.image.norm(2, {1}, true),
                            (in.student.text / in.student.text.norm(2, {1}, true)).t());
  const double want = -(s.log_softmax(1).diagonal().mean() + s.log_softmax(0).diagonal().mean()).item<double>() / 2;
  EXPECT_NEAR(make_loss("clip", options({{"scale", "7"}}))->forward(in).item<double>(), want, 1e-12);
  in.student.logit_scale = at::full({}, 7.0, at::kDouble);
  EXPECT_NEAR(make_loss("clip")->forward(in).item<double>(), want, 1e-12) << "the student's own scale goes first";
}

TEST(Losses, FdIsTheMeanSquaredError) {
  const auto in = input();
  const auto loss = make_loss("fd");
  loss->build({6, 6, false, {}});
  EXPECT_TRUE(loss->parameters().empty());
  const double want = (in.student.image - in.teacher.image).square().mean().item<double>();
  EXPECT_NEAR(loss->forward(in).item<double>(), want, 1e-12);
  check_gradient(*loss, in, in.student.image);
}

TEST(Losses, FdAddsTheTextsOfAStudentWithATextTower) {
  const auto in = input();
  const auto loss = make_loss("fd");
  loss->build({6, 6, true, {}});
  const double want =
      ((in.student.image - in.teacher.image).square().mean() + (in.student.text - in.teacher.text).square().mean())
          .item<double>();
  EXPECT_NEAR(loss->forward(in).item<double>(), want, 1e-12);
  check_gradient(*loss, in, in.student.text);
}

TEST(Losses, FdNormalises) {
  auto in = input();
  const auto loss = make_loss("fd", options({{"normalize", "true"}}));
  loss->build({6, 6, false, {}});
  const double before = loss->forward(in).item<double>();
  check_gradient(*loss, in, in.student.image);
  in.student.image = in.student.image.detach() * 3;
  in.teacher.image = in.teacher.image * 0.5;
  EXPECT_NEAR(loss->forward(in).item<double>(), before, 1e-12);
}

TEST(Losses, FdLearnsProjectorsWhereWidthsDiffer) {
  const auto in = input(4, 6);
  const auto loss = make_loss("fd");
  loss->build({4, 6, true, {}});
  loss->to(at::kDouble);
  std::vector<std::string> names;
  for (const auto& item : loss->named_parameters()) names.push_back(item.key() + c10::str(item.value().sizes()));
  EXPECT_EQ(names, (std::vector<std::string>{"image_projector_weight[6, 4]", "text_projector_weight[6, 4]"}));
  for (const auto& p : loss->parameters()) check_gradient(*loss, in, p);
  check_gradient(*loss, in, in.student.image);
}

TEST(Losses, Needs) {
  const auto vl = loss_needs("vl"), pvl = loss_needs("pvl"), udist = loss_needs("udist");
  EXPECT_TRUE(vl.teacher_image && vl.teacher_text && !vl.student_text && !vl.pairs);
  for (const auto& n : {pvl, udist, loss_needs("fd")}) {
    EXPECT_TRUE(n.teacher_image && !n.teacher_text && !n.student_text && !n.pairs);
  }
  const auto clip = loss_needs("clip");
  EXPECT_TRUE(!clip.teacher_image && !clip.teacher_text && clip.student_text && clip.pairs);
}

std::string forward_message(const std::string& name, const LossInput& in) {
  return message_of<ArgumentError>([&] { make_loss(name)->forward(in); });
}

TEST(LossMessages, MissingSides) {
  auto in = input();
  in.teacher.text = torch::Tensor();
  EXPECT_EQ(forward_message("vl", in), "[loss/vl] needs the teacher's text vectors: give data.texts or data.pairs");
  for (const std::string name : {"vl", "pvl", "udist", "fd"}) {
    in.teacher.image = torch::Tensor();
    EXPECT_EQ(forward_message(name, in),
              "[loss/" + name + "] needs the teacher's image vectors: give data.images or data.pairs");
    EXPECT_EQ(forward_message(name, LossInput{}),
              "[loss/" + name + "] needs the student's image vectors: give data.images or data.pairs");
  }
}

TEST(LossMessages, Clip) {
  auto in = input();
  in.pairs = false;
  EXPECT_EQ(forward_message("clip", in), "[loss/clip] needs pairs: give data.pairs and `on: pairs`");
  in.pairs = true;
  in.student.text = draw(4, 6, 1);
  EXPECT_EQ(forward_message("clip", in), "[loss/clip] needs as many texts as images, got 4 and 5");
  in.student.text = torch::Tensor();
  EXPECT_EQ(forward_message("clip", in),
            "[loss/clip] needs the student's text vectors: give data.pairs and models.student.text");
  EXPECT_EQ(forward_message("clip", LossInput{}), "[loss/clip] needs the student's image vectors: give data.pairs");
}

TEST(LossMessages, WidthsThatDiffer) {
  for (const std::string name : {"vl", "pvl"}) {
    EXPECT_EQ(message_of<ConfigError>([&] {
                make_loss(name)->build({48, 64, false, {}});
              }),
              "[loss/" + name +
                  "] the student's vectors are 48 wide, the teacher's 64; give the student the teacher's width");
    EXPECT_NO_THROW(make_loss(name)->build({48, 48, false, {}}));
  }
  EXPECT_EQ(forward_message("fd", input(4, 6)),
            "[loss/fd] the student's vectors are 4 wide, the teacher's 6; call build() first");
}

TEST(LossMessages, OptionsOutOfRange) {
  for (const std::string name : {"vl", "pvl", "udist"}) {
    EXPECT_THROW(make_loss(name, options({{"temperature", "0"}})), ConfigError);
    EXPECT_THROW(make_loss(name, options({{"scale", "-1"}})), ConfigError);
    EXPECT_THROW(make_loss(name, options({{"temprature", "1"}})), ConfigError);
  }
}

}  // namespace
}  // namespace dime::test
