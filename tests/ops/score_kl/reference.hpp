// SPDX-License-Identifier: Apache-2.0
// score_kl once more, by plain torch operations and autograd on whole matrices.
#pragma once

#include <string>
#include <vector>

#include <dime/score_kl.hpp>

namespace dime::test {

/// A term's value, and its gradients in the tensors of leaves_of.
struct Outcome {
  double value = 0;
  std::vector<torch::Tensor> gradients;
};

/// The student's tensors that want a gradient, each once: rows, columns, learnt scale.
std::vector<torch::Tensor> leaves_of(const ScoreTerm& term);

/// The term with new tensors of `type`, leaves where they want a gradient; tensors that were the same stay the same.
ScoreTerm in_type(const ScoreTerm& term, at::ScalarType type);

/// The value, in the type of the term's tensors.
torch::Tensor reference_value(const ScoreTerm& term);

/// In the type of the term's tensors.
Outcome by_reference(const ScoreTerm& term);

/// In float64, of the numbers that the term holds.
Outcome truth_of(const ScoreTerm& term);

Outcome by_score_kl(const ScoreTerm& term, const ScoreKlOptions& options = {});

/// An outcome of `value`, whose graph it takes.
Outcome outcome_of(const torch::Tensor& value, const ScoreTerm& term);

ScoreKlOptions form_of(ScoreForm form, Products products = Products::fp32);

/// "tiled fp32" and the like.
std::string text_of(const ScoreKlOptions& options);

/// Value and gradients to `bound` of the truth's size, or to `least`.
void expect_close(const Outcome& got, const Outcome& want, double bound, double least = 0);

}  // namespace dime::test
