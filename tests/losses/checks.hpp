// SPDX-License-Identifier: Apache-2.0
// What every loss owes: gradients that agree with finite differences, and messages.
#pragma once

#include <string>

#include <dime/loss.hpp>

namespace dime::test {

/// Normal numbers in float64, the same for the same seed.
torch::Tensor draw(std::int64_t rows, std::int64_t width, std::uint64_t seed);

/// Five pairs of both models; the student's tensors want gradients.
LossInput input(std::int64_t student_dim = 6, std::int64_t teacher_dim = 6);

/// The gradient of `loss` by `x`, a tensor of `in` or a parameter, against central differences of every element.
void expect_gradient(Loss& loss, const LossInput& in, const torch::Tensor& x);

/// What the loss, made without options, must be given.
Needs loss_needs(const std::string& loss);

/// The ArgumentError of the loss, made without options, for `in`.
std::string forward_error(const std::string& loss, const LossInput& in);

/// What a loss on the image vectors of both says when the teacher's, or all, are missing.
void expect_messages_of_missing_images(const std::string& loss);

/// What a loss that scores the student's vectors against the teacher's says of widths that differ.
void expect_message_of_widths(const std::string& loss);

/// That `scale` and `temperature` are checked.
void expect_score_options_checked(const std::string& loss);

}  // namespace dime::test
