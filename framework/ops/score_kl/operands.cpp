// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/operands.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include <dime/error.hpp>

#include "ops/score_kl/kernels.hpp"

namespace dime::detail {
namespace {

constexpr std::int64_t kRowsAtOnce = 1024;  // so that no second copy of all vectors is made

void centre_rows(const ScoreOperand& x, torch::Tensor& words) {
  const auto centre = score_kernels(true).centre;
  const auto *vectors = x.vectors.const_data_ptr<float>(), *norms = x.inverse_norms.const_data_ptr<float>(),
             *mean = x.mean.const_data_ptr<float>();
  auto* out = reinterpret_cast<std::uint16_t*>(words.mutable_data_ptr<at::BFloat16>());
  const std::int64_t width = x.vectors.size(1), stride = words.size(1);
  at::parallel_for(0, x.vectors.size(0), 64, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) {
      centre(vectors + i * width, norms[i], mean, static_cast<int>(width), out + i * stride);
    }
  });
}

/// Products of torch round otherwise where storage starts elsewhere: equal vectors must give equal operands.
torch::Tensor aligned(const torch::Tensor& x) {
  constexpr std::uintptr_t line = 64;
  const auto whole = x.contiguous();
  return reinterpret_cast<std::uintptr_t>(whole.const_data_ptr()) % line == 0 ? whole : whole.clone();
}

torch::Tensor centred_words(const ScoreOperand& x) {
  const std::int64_t rows = x.vectors.size(0), width = x.vectors.size(1);
  auto words = at::empty({rows, width + width % 2}, x.vectors.options().dtype(at::kBFloat16));
  if (width % 2 == 1) words.narrow(1, width, 1).zero_();
  if (x.vectors.is_cpu()) {
    centre_rows(x, words);
    return words;
  }
  for (std::int64_t first = 0; first < rows; first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, rows - first);
    auto part = x.vectors.narrow(0, first, count) * x.inverse_norms.narrow(0, first, count).unsqueeze(1);
    words.narrow(0, first, count).narrow(1, 0, width).copy_(part.sub_(x.mean));
  }
  return words;
}

}  // namespace

ScoreOperand make_operand(const torch::Tensor& vectors, Products products) {
  ScoreOperand x;
  x.vectors = aligned(vectors);
  x.inverse_norms = at::linalg_vector_norm(x.vectors, 2, at::IntArrayRef{1}).reciprocal_();
  if (products == Products::bf16 && x.vectors.scalar_type() == at::kFloat) {
    x.mean =
        at::mv(x.vectors.t(), x.inverse_norms).div_(static_cast<double>(std::max<std::int64_t>(1, vectors.size(0))));
    x.words = centred_words(x);
  }
  return x;
}

void refuse_zeros(const ScoreOperand& operand, const std::string& owner, const std::string& name) {
  if (!operand.inverse_norms.is_cpu()) return;
  const auto zero = operand.inverse_norms.isinf();
  if (!zero.any().item<bool>()) return;
  throw ArgumentError(owner + "row " + std::to_string(zero.nonzero()[0].item<std::int64_t>()) + " of " + name +
                      " is all zeros: it has no direction");
}

std::int64_t first_not_finite(const ScoreOperand& operand) {
  if (!operand.inverse_norms.is_cpu()) return -1;
  // An infinite number makes the norm infinite, and its inverse zero.
  const auto bad = operand.inverse_norms.isnan().logical_or_(operand.inverse_norms.eq(0));
  return bad.any().item<bool>() ? bad.nonzero()[0].item<std::int64_t>() : -1;
}

}  // namespace dime::detail
