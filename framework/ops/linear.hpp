// SPDX-License-Identifier: Apache-2.0
// The ways to a linear map, by name: for the choice and for tests of each.
#pragma once

#include <dime/linear.hpp>

namespace dime {

enum class LinearForm {
  aten,    ///< at::linear
  onednn,  ///< fp32 products through oneDNN
  widened  ///< bf16 numbers, multiplied in fp32
};

/// What linear() chooses for tensors of the type that autocast, if on, will give them.
DIME_API LinearForm linear_form(const torch::Tensor& x, const torch::Tensor& weight);
/// linear() in that form. `onednn` takes fp32, `widened` gives bf16.
DIME_API torch::Tensor linear_by(LinearForm form, const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias);

}  // namespace dime
