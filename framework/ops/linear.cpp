// SPDX-License-Identifier: Apache-2.0
#include "ops/linear.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/processor.hpp"

namespace dime {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The operator that LibTorch's own compiler calls for linear maps of plain tensors.
torch::Tensor onednn_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
  torch::jit::Stack stack{x,
                          weight,
                          bias.defined() ? c10::IValue(bias) : c10::IValue(),
                          "none",
                          c10::List<std::optional<at::Scalar>>(),
                          c10::IValue()};
  op.callBoxed(stack);
  return stack[0].toTensor();
}

/// a b for matrices that may lie either way.
torch::Tensor product(LinearForm form, const torch::Tensor& a, const torch::Tensor& b) {
  return form == LinearForm::onednn ? onednn_linear(a, b.t(), {}) : at::mm(a, b);
}

torch::Tensor rounded(const torch::Tensor& x) { return x.to(at::kBFloat16); }
torch::Tensor wide(const torch::Tensor& x) { return x.to(at::kFloat); }

/// Autocast would narrow the products again.
using NoAutocast = c10::impl::ExcludeDispatchKeyGuard;

struct Linear : torch::autograd::Function<Linear> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x, const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& given_bias, std::int64_t number) {
    const auto bias = given_bias.value_or(torch::Tensor());
    const auto form = static_cast<LinearForm>(number);
    const NoAutocast guard(at::autocast::get_autocast_dispatch_key_from_device_type(at::kCPU));
    const auto kept = form == LinearForm::widened ? rounded(x) : x;
    ctx->save_for_backward({kept, weight});
    ctx->saved_data["form"] = number;
    ctx->saved_data["wide"] = x.scalar_type() == at::kFloat;
    ctx->saved_data["bias"] = bias.defined() ? static_cast<std::int64_t>(bias.scalar_type()) : std::int64_t{-1};
    if (form == LinearForm::onednn) return onednn_linear(x, weight, bias);
    return rounded(at::linear(wide(kept), wide(rounded(weight)), bias.defined() ? wide(rounded(bias)) : bias));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto form = static_cast<LinearForm>(ctx->saved_data["form"].toInt());
    const auto saved = ctx->get_saved_variables();
    const auto bias_type = ctx->saved_data["bias"].toInt();
    const NoAutocast guard(at::autocast::get_autocast_dispatch_key_from_device_type(at::kCPU));
    const auto grad = wide(grads[0]).reshape({-1, grads[0].size(-1)});
    variable_list out(4);
    if (ctx->needs_input_grad(0)) {
      const auto weight = form == LinearForm::widened ? wide(rounded(saved[1])) : saved[1];
      const auto to_x = product(form, grad, weight).view(saved[0].sizes());
      out[0] = ctx->saved_data["wide"].toBool() ? to_x : rounded(to_x);
    }
    if (ctx->needs_input_grad(1)) {
      const auto x = wide(saved[0]).reshape({-1, saved[0].size(-1)});
      out[1] = product(form, grad.t(), x).to(saved[1].scalar_type());
    }
    if (bias_type >= 0 && ctx->needs_input_grad(2)) out[2] = grad.sum(0).to(static_cast<at::ScalarType>(bias_type));
    return out;
  }
};

}  // namespace

LinearForm linear_form(const torch::Tensor& x, const torch::Tensor& weight) {
  if (!x.device().is_cpu() || x.numel() == 0 || x.dim() < 2) return LinearForm::aten;
  const bool cast = at::autocast::is_autocast_enabled(at::kCPU);
  const auto type = cast ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type();
  const bool floats = x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat;
  if (type == at::kBFloat16 && !multiplies_bf16()) return LinearForm::widened;
  if (type == at::kFloat && floats && onednn_is_faster()) return LinearForm::onednn;
  return LinearForm::aten;
}

torch::Tensor linear_by(LinearForm form, const torch::Tensor& x, const torch::Tensor& weight,
                        const torch::Tensor& bias) {
  if (form == LinearForm::aten) return at::linear(x, weight, bias);
  const auto given = bias.defined() ? std::optional(bias) : std::nullopt;
  return Linear::apply(x, weight, given, static_cast<std::int64_t>(form));
}

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return linear_by(linear_form(x, weight), x, weight, bias);
}

}  // namespace dime
