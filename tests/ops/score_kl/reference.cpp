// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "support/tensors.hpp"

namespace dime::test {
namespace {

torch::Tensor scores_of(const ScoreMatrix& matrix, bool mask_diagonal) {
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, {1}, true); };
  auto cosines = at::mm(unit(matrix.rows.vectors), unit(matrix.columns.vectors).t());
  auto scores = matrix.learnt_scale.defined() ? cosines * matrix.learnt_scale : cosines * matrix.scale;
  if (!mask_diagonal) return scores;
  const auto diagonal = at::eye(scores.size(0), scores.size(1), scores.options().dtype(at::kBool).requires_grad(false));
  return scores.masked_fill(diagonal, -std::numeric_limits<double>::infinity());
}

/// The sum over what is not `dim` of KL(teacher || student) along it.
torch::Tensor divergence(const torch::Tensor& teacher, const torch::Tensor& student, std::int64_t dim) {
  const auto log_p = teacher.log_softmax(dim), log_q = student.log_softmax(dim);
  return (log_p.exp() * (log_p - log_q).masked_fill(log_p.isinf(), 0)).sum();
}

/// New tensors in the place of others.
class Copies {
 public:
  explicit Copies(at::ScalarType type) : type_(type) {}

  torch::Tensor of(const torch::Tensor& x) {
    if (!x.defined()) return x;
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& c) { return c.first.is_same(x); });
    if (found != all_.end()) return found->second;
    const auto copy = x.detach().to(type_, false, true).contiguous().requires_grad_(x.requires_grad());
    all_.emplace_back(x, copy);
    return copy;
  }

 private:
  at::ScalarType type_;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> all_;
};

}  // namespace

std::vector<torch::Tensor> leaves_of(const ScoreTerm& term) {
  const auto& student = term.student;
  std::vector<torch::Tensor> leaves;
  for (const auto& x : {student.rows.vectors, student.columns.vectors, student.learnt_scale}) {
    const bool seen = std::any_of(leaves.begin(), leaves.end(), [&](const auto& y) { return y.is_same(x); });
    if (x.defined() && x.requires_grad() && !seen) leaves.push_back(x);
  }
  return leaves;
}

ScoreTerm in_type(const ScoreTerm& term, at::ScalarType type) {
  ScoreTerm copy = term;
  Copies copies(type);
  for (auto* matrix : {&copy.teacher, &copy.student}) {
    for (auto* x : {&matrix->rows.vectors, &matrix->columns.vectors, &matrix->learnt_scale}) *x = copies.of(*x);
  }
  return copy;
}

torch::Tensor reference_value(const ScoreTerm& term) {
  const auto teacher = scores_of(term.teacher, term.mask_diagonal) / term.temperature;
  const auto student = scores_of(term.student, term.mask_diagonal) / term.temperature;
  auto value = at::zeros({}, student.options().requires_grad(false));
  for (const std::int64_t dim : {1, 0}) {
    const double weight = dim == 1 ? term.rows_weight : term.columns_weight;
    const auto count = static_cast<double>(term.reduction == Reduction::mean ? student.size(1 - dim) : 1);
    if (weight > 0) value = value + divergence(teacher, student, dim) * (weight / count);
  }
  return value;
}

Outcome outcome_of(const torch::Tensor& value, const ScoreTerm& term) {
  Outcome outcome{value.item<double>(), {}};
  const auto leaves = leaves_of(term);
  if (!leaves.empty()) outcome.gradients = torch::autograd::grad({value}, leaves);
  return outcome;
}

Outcome by_reference(const ScoreTerm& term) { return outcome_of(reference_value(term), term); }

Outcome truth_of(const ScoreTerm& term) { return by_reference(in_type(term, at::kDouble)); }

Outcome by_score_kl(const ScoreTerm& term, const ScoreKlOptions& options) {
  return outcome_of(score_kl(term, options), term);
}

ScoreKlOptions form_of(ScoreForm form, Products products) {
  ScoreKlOptions options;
  options.form = form;
  options.products = products;
  return options;
}

std::string text_of(const ScoreKlOptions& options) {
  const char* form = options.form == ScoreForm::tiled ? "tiled" : options.form == ScoreForm::direct ? "direct" : "auto";
  return std::string(form) + (options.products == Products::bf16 ? " bf16" : " fp32");
}

void expect_close(const Outcome& got, const Outcome& want, double bound, double least) {
  EXPECT_LE(std::abs(got.value - want.value), std::max(bound * std::abs(want.value), least));
  ASSERT_EQ(got.gradients.size(), want.gradients.size());
  for (std::size_t i = 0; i < want.gradients.size(); ++i) {
    EXPECT_EQ(got.gradients[i].sizes(), want.gradients[i].sizes());
    const double size = want.gradients[i].norm().item<double>();
    EXPECT_LE(distance(got.gradients[i], want.gradients[i]), std::max(bound * size, least)) << "gradient " << i;
  }
}

}  // namespace dime::test
