// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/autograd.hpp"

#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>

#include <dime/error.hpp>

namespace dime::detail {
namespace {

/// Stands behind gradients.
class NoSecondDerivative final : public torch::autograd::Node {
 public:
  std::string name() const override { return "NoSecondDerivative"; }
  torch::autograd::variable_list apply(torch::autograd::variable_list&&) override {
    throw ArgumentError(
        "score_kl() has no second derivative: take its gradient without create_graph, or compute the term from "
        "scores() and torch's softmax");
  }
};

/// A gradient of one output in one input.
struct Part {
  std::size_t output;
  std::size_t input;
  torch::Tensor gradient;
};

class ScoreKlBackward final : public torch::autograd::Node {
 public:
  ScoreKlBackward(std::vector<Part> parts, std::size_t inputs) : parts_(std::move(parts)), inputs_(inputs) {}

  std::string name() const override { return "ScoreKlBackward"; }
  void release_variables() override {
    parts_.clear();
    released_ = true;
  }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& outer) override {
    if (released_) {
      throw ArgumentError(
          "score_kl(): backward ran through this value before; keep the graph (retain_graph) to do so again");
    }
    torch::autograd::variable_list gradients(inputs_);
    const bool differentiable = at::GradMode::is_enabled();
    {
      const at::NoGradGuard guard;
      for (const auto& part : parts_) add(gradients[part.input], part, outer[part.output]);
    }
    if (!differentiable) return gradients;
    // Only a backward through these gradients is an error, not that create_graph was asked for. It leads on to the
    // inputs, so that whoever asks for a second derivative in them comes by.
    const auto error = std::shared_ptr<NoSecondDerivative>(new NoSecondDerivative, torch::autograd::deleteNode);
    error->set_next_edges(torch::autograd::edge_list(next_edges()));
    for (const auto& gradient : gradients) torch::autograd::set_history(gradient, error);
    return gradients;
  }

 private:
  void add(torch::Tensor& sum, const Part& part, const torch::Tensor& outer) const {
    if (!outer.defined()) return;
    const auto factor = outer.to(part.gradient.scalar_type());
    if (sum.defined()) {
      sum.addcmul_(part.gradient, factor);
    } else if (torch::autograd::get_current_graph_task_keep_graph()) {
      sum = part.gradient * factor;
    } else {
      sum = part.gradient.mul_(factor);  // nobody will ask for it again
    }
  }

  std::vector<Part> parts_;
  std::size_t inputs_;
  bool released_ = false;
};

/// The inputs that want a gradient, each once.
class Inputs {
 public:
  bool wants(const torch::Tensor& x) const { return x.defined() && x.requires_grad(); }
  std::size_t place(const torch::Tensor& x) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& y) { return y.is_same(x); });
    const auto place = static_cast<std::size_t>(found - all_.begin());
    if (place == all_.size()) all_.push_back(x);
    return place;
  }
  const torch::autograd::variable_list& all() const { return all_; }

 private:
  torch::autograd::variable_list all_;
};

}  // namespace

bool wants_gradient(const std::vector<ScoreTerm>& terms) {
  if (!at::GradMode::is_enabled()) return false;
  return std::any_of(terms.begin(), terms.end(), [](const ScoreTerm& t) {
    const auto wants = [](const torch::Tensor& x) { return x.defined() && x.requires_grad(); };
    return wants(t.student.rows.vectors) || wants(t.student.columns.vectors) || wants(t.student.learnt_scale);
  });
}

std::vector<torch::Tensor> as_tensors(const std::vector<ScoreTerm>& terms, std::vector<ScoreResult> results) {
  std::vector<torch::Tensor> values;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto& x = terms[i].student.rows.vectors;
    const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    values.push_back(results[i].value.to(type));
  }
  if (!wants_gradient(terms)) return values;
  Inputs inputs;
  std::vector<Part> parts;
  const auto add = [&](std::size_t output, const torch::Tensor& input, const torch::Tensor& gradient) {
    if (!inputs.wants(input)) return;
    parts.push_back({output, inputs.place(input), gradient.to(input.scalar_type())});
  };
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto& student = terms[i].student;
    add(i, student.rows.vectors, results[i].row_gradient);
    add(i, student.columns.vectors, results[i].column_gradient);
    const auto& scale = student.learnt_scale;
    if (inputs.wants(scale)) add(i, scale, results[i].scale_gradient.reshape(scale.sizes()));
  }
  const std::size_t count = inputs.all().size();
  auto edges = torch::autograd::collect_next_edges(inputs.all());
  const auto node =
      std::shared_ptr<ScoreKlBackward>(new ScoreKlBackward(std::move(parts), count), torch::autograd::deleteNode);
  node->set_next_edges(std::move(edges));
  for (auto& value : values) torch::autograd::set_history(value, node);
  return values;
}

}  // namespace dime::detail
