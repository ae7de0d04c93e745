// SPDX-License-Identifier: Apache-2.0
#include "losses/checks.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/plugins.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

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

}  // namespace

torch::Tensor draw(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn({rows, width}, generator, at::kDouble);
}

LossInput input(std::int64_t student_dim, std::int64_t teacher_dim) {
  LossInput in;
  in.teacher.image = draw(5, teacher_dim, 1);
  in.teacher.text = draw(5, teacher_dim, 2);
  in.student.image = draw(5, student_dim, 3).requires_grad_();
  in.student.text = draw(5, student_dim, 4).requires_grad_();
  in.pairs = true;
  return in;
}

void expect_gradient(Loss& loss, const LossInput& in, const torch::Tensor& x) {
  const auto gradient = torch::autograd::grad({loss.forward(in)}, {x})[0];
  EXPECT_LE(distance(gradient, differences(loss, in, x)), 1e-7 * std::max(1.0, gradient.norm().item<double>()));
  EXPECT_GT(gradient.norm().item<double>(), 1e-3);
}

Needs loss_needs(const std::string& loss) { return plugins().needs({loss, {}, {}}); }

std::string forward_error(const std::string& loss, const LossInput& in) {
  return error_text<ArgumentError>([&] { make_loss(loss)->forward(in); });
}

void expect_messages_of_missing_images(const std::string& loss) {
  auto in = input();
  in.teacher.image = torch::Tensor();
  EXPECT_EQ(forward_error(loss, in),
            "[loss/" + loss + "] needs the teacher's image vectors: give data.images or data.pairs");
  EXPECT_EQ(forward_error(loss, LossInput{}),
            "[loss/" + loss + "] needs the student's image vectors: give data.images or data.pairs");
}

void expect_message_of_widths(const std::string& loss) {
  EXPECT_EQ(
      error_text<ConfigError>([&] {
        make_loss(loss)->build({48, 64, false, {}});
      }),
      "[loss/" + loss + "] the student's vectors are 48 wide, the teacher's 64; give the student the teacher's width");
  EXPECT_NO_THROW(make_loss(loss)->build({48, 48, false, {}}));
  EXPECT_NO_THROW(make_loss(loss)->build({48, 0, false, {}})) << "without a teacher";
}

void expect_score_options_checked(const std::string& loss) {
  const auto refusal = [&](const std::string& key, const std::string& value) {
    return error_text<ConfigError>([&] { make_loss(loss, options({{key, value}})); });
  };
  const std::string place = "[loss/" + loss + "] ";
  const std::string owner = " of loss \"" + loss + "\"";
  EXPECT_EQ(refusal("temperature", "0"), place + "option \"temperature\"" + owner + " must be > 0, got 0");
  EXPECT_EQ(refusal("scale", "-1"), place + "option \"scale\"" + owner + " must be > 0, got -1");
  EXPECT_EQ(refusal("temprature", "1"),
            place + "unknown option \"temprature\"" + owner +
                " (did you mean \"temperature\"?); it takes: form, products, scale, temperature");
}

}  // namespace dime::test
