// SPDX-License-Identifier: Apache-2.0
// Whole matrices: quicker where they are small.
#include <numbers>

#include <torch/types.h>

#include "ops/score_kl/kernels.hpp"
#include "ops/score_kl/plan.hpp"

namespace dime::detail {
namespace {

struct Softmax {
  torch::Tensor p, log_p;
};

/// Along dimension `dim`; `comm`, if given, holds other parts of it.
Softmax softmax(const torch::Tensor& scores, std::int64_t dim, Communicator* comm) {
  auto most = scores.amax(dim, true);
  if (comm != nullptr) comm->all_reduce_max(most);
  const auto shifted = scores - most;
  const auto powers = shifted.exp();
  auto sums = powers.sum(dim, true);
  if (comm != nullptr) comm->all_reduce_sum(sums);
  return {powers / sums, shifted - sums.log()};
}

/// Student's less teacher's softmax, and the divergence. The three parts of its sum cancel where the two are close.
struct Comparison {
  torch::Tensor factors;
  torch::Tensor divergence;  // 0-dim fp64
};

Comparison compare(const Softmax& teacher, const Softmax& student) {
  const auto log = teacher.log_p - student.log_p;
  auto factors = student.p - teacher.p;
  const auto parts = at::where(log.abs() < 1, teacher.p * (log + (-log).expm1()), teacher.p * log + factors);
  return {std::move(factors), parts.sum(at::kDouble)};
}

torch::Tensor normalised(const ScoreOperand& x) { return x.vectors * x.inverse_norms.unsqueeze(1); }

/// As the products see them: with bf16, rounded after their mean was taken off, which comes back in fp32.
torch::Tensor rounded(const ScoreOperand& x) {
  if (!x.words.defined()) return normalised(x);
  return x.words.narrow(1, 0, x.vectors.size(1)).to(x.vectors.scalar_type());
}

torch::Tensor cosines(const ScoreOperand& a, const ScoreOperand& b) {
  auto products = at::mm(rounded(a), rounded(b).t());
  if (!a.words.defined()) return products;
  products += at::mv(normalised(a), b.mean).unsqueeze(1);
  return products += (at::mv(normalised(b), a.mean) - at::dot(a.mean, b.mean));
}

torch::Tensor scores(const ScorePlan& plan, int i) {
  const ScoreSide& side = plan.sides[static_cast<std::size_t>(i)];
  const ScorePair& pair = plan.pair(side);
  auto x = cosines(plan.operands[static_cast<std::size_t>(pair.rows)],
                   plan.operands[static_cast<std::size_t>(pair.columns)]);
  x *= side.factor / std::numbers::log2e;
  if (side.learnt_scale.defined()) x *= side.learnt_scale;
  if (side.mask_diagonal && plan.rows.first < x.size(1)) x.diagonal(plan.rows.first).fill_(kNoScore);
  return x;
}

/// The gradient of the vectors from that of the normalised ones.
torch::Tensor denormalised(const torch::Tensor& gradient, const ScoreOperand& x) {
  const auto n = normalised(x);
  return (gradient - (gradient * n).sum(1, true) * n) * x.inverse_norms.unsqueeze(1);
}

torch::Tensor product(const torch::Tensor& factors, const ScoreOperand& x) {
  if (!x.words.defined()) return at::mm(factors, normalised(x));
  const auto coarse = factors.to(at::kBFloat16).to(factors.scalar_type());
  return at::mm(coarse, rounded(x)).addr_(factors.sum(1), x.mean);
}

/// In place: the gradient in the scores as that in the cosines.
torch::Tensor& scaled(torch::Tensor& gradient, const PlannedTerm& term) {
  gradient *= term.scale;
  return term.learnt_scale.defined() ? gradient *= term.learnt_scale : gradient;
}

ScoreResult direct(const ScorePlan& plan, const PlannedTerm& term) {
  const auto student = scores(plan, term.student), teacher = scores(plan, term.teacher);
  ScoreResult r;
  r.value = at::zeros({}, student.options().dtype(at::kDouble));
  r.scale_gradient = at::zeros_like(r.value);
  torch::Tensor factors = at::zeros_like(student);
  for (const std::int64_t dim : {1, 0}) {
    const double weight = dim == 1 ? term.rows_weight : term.columns_weight;
    if (weight == 0) continue;
    Communicator* comm = dim == 0 ? plan.comm : nullptr;
    const auto compared = compare(softmax(teacher, dim, comm), softmax(student, dim, comm));
    factors.add_(compared.factors, weight);
    r.value.add_(compared.divergence, weight);
  }
  factors *= term.inverse_temperature;
  const ScorePair& pair = plan.pair(plan.sides[static_cast<std::size_t>(term.student)]);
  const auto &rows = plan.operands[static_cast<std::size_t>(pair.rows)],
             &columns = plan.operands[static_cast<std::size_t>(pair.columns)];
  if (term.row_gradient) {
    auto gradient = product(factors, columns);
    r.scale_gradient = (gradient * normalised(rows)).sum(at::kDouble);
    r.row_gradient = denormalised(scaled(gradient, term), rows);
  }
  if (term.column_gradient) {
    auto gradient = product(factors.t(), rows);
    if (plan.comm != nullptr) plan.comm->all_reduce_sum(gradient);
    r.column_gradient = denormalised(scaled(gradient, term), columns).narrow(0, term.first_column, term.own_columns);
  }
  return r;
}

}  // namespace

std::vector<ScoreResult> direct_score_kl(const ScorePlan& plan) {
  std::vector<ScoreResult> results;
  for (const auto& term : plan.terms) results.push_back(direct(plan, term));
  return results;
}

}  // namespace dime::detail
