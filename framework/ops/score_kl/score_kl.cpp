// SPDX-License-Identifier: Apache-2.0
#include <dime/score_kl.hpp>

#include <algorithm>
#include <limits>

#include <torch/types.h>

#include <dime/error.hpp>

#include "ops/score_kl/autograd.hpp"
#include "ops/score_kl/plan.hpp"

namespace dime {
namespace {

using detail::ScoreResult;

void check_vectors(const ScoreTerm& term, const ScoreVectors& x) {
  if (!x.vectors.defined()) throw ArgumentError(term.owner + "score_kl() needs " + x.name);
  if (x.vectors.dim() == 2 && x.vectors.is_floating_point() && x.vectors.numel() > 0) return;
  throw ArgumentError(term.owner + "score_kl() takes " + x.name + " as rows of numbers [n, d], not " +
                      x.vectors.toString() + c10::str(x.vectors.sizes()));
}

void check_same_device(const ScoreTerm& term, const ScoreVectors& a, const ScoreVectors& b) {
  if (a.vectors.device() == b.vectors.device()) return;
  throw ArgumentError(term.owner + a.name + " are on " + a.vectors.device().str() + ", " + b.name + " on " +
                      b.vectors.device().str());
}

void check_matrix(const ScoreTerm& term, const ScoreMatrix& matrix) {
  check_vectors(term, matrix.rows);
  check_vectors(term, matrix.columns);
  const auto rows = matrix.rows.vectors.size(1), columns = matrix.columns.vectors.size(1);
  if (rows != columns) {
    throw ArgumentError(term.owner + matrix.rows.name + " are " + std::to_string(rows) + " wide, " +
                        matrix.columns.name + " " + std::to_string(columns) +
                        "; score vectors of one width, or add a projector");
  }
  check_same_device(term, matrix.rows, matrix.columns);
  const auto& scale = matrix.learnt_scale;
  if (scale.defined()) check_same_device(term, matrix.rows, {scale, "their learnt scale"});
  if (scale.defined() && (scale.numel() != 1 || !scale.is_floating_point())) {
    throw ArgumentError(term.owner + "a learnt scale must be one number, not " + scale.toString() +
                        c10::str(scale.sizes()));
  }
  if (!scale.defined() && !(matrix.scale > 0 && matrix.scale < std::numeric_limits<double>::infinity())) {
    throw ArgumentError(term.owner + "the scale must be > 0 and finite, got " + c10::str(matrix.scale));
  }
}

void check_same_rows(const ScoreTerm& term, const ScoreVectors& teacher, const ScoreVectors& student) {
  const auto t = teacher.vectors.size(0), s = student.vectors.size(0);
  if (t == s) return;
  throw ArgumentError(term.owner + "there are " + std::to_string(t) + " of " + teacher.name + " and " +
                      std::to_string(s) + " of " + student.name + "; a term compares the same rows");
}

void check_weight(const ScoreTerm& term, double weight, const char* name) {
  if (weight >= 0 && weight < std::numeric_limits<double>::infinity()) return;
  throw ArgumentError(term.owner + "the weight of the " + name + " must be >= 0 and finite, got " + c10::str(weight));
}

bool same_options(const ScoreKlOptions& a, const ScoreKlOptions& b) {
  return a.products == b.products && a.form == b.form && a.comm == b.comm;
}

bool same_matrix(const ScoreMatrix& a, const ScoreMatrix& b) {
  return a.rows.vectors.is_same(b.rows.vectors) && a.columns.vectors.is_same(b.columns.vectors) && a.scale == b.scale &&
         a.learnt_scale.is_same(b.learnt_scale);
}

bool same_term(const ScoreTerm& a, const ScoreTerm& b) {
  return same_matrix(a.teacher, b.teacher) && same_matrix(a.student, b.student) && a.temperature == b.temperature &&
         a.rows_weight == b.rows_weight && a.columns_weight == b.columns_weight && a.reduction == b.reduction &&
         a.mask_diagonal == b.mask_diagonal;
}

/// The tiled form of a device, or null where there is none: then whole matrices are the automatic form.
detail::TiledScoreKl tiled_form(const at::Device& device, std::string* why) {
  if (device.is_cpu()) return detail::tiled_score_kl;
  if (device.is_cuda()) return detail::cuda_score_kl(why);
  *why = "there is none for this device";
  return nullptr;
}

detail::TiledScoreKl form_of(const std::vector<ScoreTerm>& terms, const detail::ScorePlan& plan,
                             const ScoreKlOptions& options) {
  const bool automatic = options.form == ScoreForm::automatic;
  if (options.form == ScoreForm::direct || (automatic && plan.small)) return detail::direct_score_kl;
  const auto device = terms[0].student.rows.vectors.device();
  std::string why;
  if (const auto tiled = tiled_form(device, &why)) return tiled;
  if (automatic) return detail::direct_score_kl;
  throw ArgumentError(terms[0].owner + "score_kl() has no tiled form on " + device.str() + ": " + why +
                      "; leave the form automatic, or ask for the direct one");
}

/// A student's vector is not finite: neither is anything that follows from it.
std::vector<ScoreResult> not_finite(const detail::ScorePlan& plan) {
  std::vector<ScoreResult> results;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& term : plan.terms) {
    const auto& rows =
        plan.operands[static_cast<std::size_t>(plan.pair(plan.sides[static_cast<std::size_t>(term.student)]).rows)]
            .vectors;
    ScoreResult r;
    r.value = at::scalar_tensor(nan, at::kDouble);
    r.scale_gradient = at::scalar_tensor(nan, at::kDouble);
    if (term.row_gradient) r.row_gradient = at::full_like(rows, nan);
    if (term.column_gradient) r.column_gradient = at::full({term.own_columns, rows.size(1)}, nan, rows.options());
    results.push_back(std::move(r));
  }
  return results;
}

/// Terms of equally many rows.
std::vector<torch::Tensor> compute(const std::vector<ScoreTerm>& terms, const ScoreKlOptions& options) {
  const auto plan = detail::plan_score_kl(terms, options, detail::wants_gradient(terms));
  const auto form = form_of(terms, plan, options);
  auto results = plan.finite ? form(plan) : not_finite(plan);
  return detail::as_tensors(terms, std::move(results));
}

/// How many rows each process has of each term: [W, terms].
torch::Tensor rows_everywhere(const std::vector<ScoreTerm>& terms, Communicator* comm) {
  auto own = at::empty({1, static_cast<std::int64_t>(terms.size())}, at::kLong);
  auto* count = own.mutable_data_ptr<std::int64_t>();
  for (const auto& term : terms) *count++ = term.student.rows.vectors.size(0);
  return comm != nullptr && comm->size() > 1 ? comm->all_gather_rows(own) : own;
}

/// Whether terms i and j can be computed together; all processes say the same.
bool fit_together(const std::vector<ScoreTerm>& terms, const torch::Tensor& rows, std::size_t i, std::size_t j) {
  const auto &x = terms[i].student.rows.vectors, &y = terms[j].student.rows.vectors;
  return x.scalar_type() == y.scalar_type() && x.device() == y.device() &&
         at::equal(rows.select(1, static_cast<std::int64_t>(i)), rows.select(1, static_cast<std::int64_t>(j)));
}

}  // namespace

void check_score_term(const ScoreTerm& term) {
  check_matrix(term, term.teacher);
  check_matrix(term, term.student);
  check_same_rows(term, term.teacher.rows, term.student.rows);
  check_same_rows(term, term.teacher.columns, term.student.columns);
  check_same_device(term, term.teacher.rows, term.student.rows);
  if (!(term.temperature > 0 && term.temperature < std::numeric_limits<double>::infinity())) {
    throw ArgumentError(term.owner + "the temperature must be > 0 and finite, got " + c10::str(term.temperature));
  }
  check_weight(term, term.rows_weight, "rows");
  check_weight(term, term.columns_weight, "columns");
  const auto wants = [](const torch::Tensor& x) { return x.defined() && x.requires_grad(); };
  for (const auto* side : {&term.teacher.rows, &term.teacher.columns}) {
    if (!at::GradMode::is_enabled() || !wants(side->vectors)) continue;
    throw ArgumentError(term.owner + side->name +
                        " want a gradient, but a teacher is a constant of score_kl(): detach them");
  }
}

std::vector<torch::Tensor> score_kl(const std::vector<ScoreTerm>& terms, const ScoreKlOptions& options) {
  for (const auto& term : terms) check_score_term(term);
  std::vector<torch::Tensor> values(terms.size());
  const auto rows = rows_everywhere(terms, options.comm);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (values[i].defined()) continue;
    std::vector<ScoreTerm> group;
    std::vector<std::size_t> places;
    for (std::size_t j = i; j < terms.size(); ++j) {
      if (values[j].defined() || !fit_together(terms, rows, i, j)) continue;
      group.push_back(terms[j]);
      places.push_back(j);
    }
    auto some = compute(group, options);
    for (std::size_t k = 0; k < places.size(); ++k) values[places[k]] = std::move(some[k]);
  }
  return values;
}

torch::Tensor score_kl(const ScoreTerm& term, const ScoreKlOptions& options) {
  return score_kl(std::vector<ScoreTerm>{term}, options)[0];
}

void ScoreWork::expect(std::vector<ScoreTerm> terms, const ScoreKlOptions& options) {
  for (auto& term : terms) {
    check_score_term(term);
    entries_.push_back({std::move(term), options, {}});
  }
}

torch::Tensor ScoreWork::value(const ScoreTerm& term, const ScoreKlOptions& options) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return same_options(e.options, options) && same_term(e.term, term);
  });
  if (found == entries_.end()) return score_kl(term, options);
  if (!found->value.defined()) compute(options);
  return found->value;
}

void ScoreWork::compute(const ScoreKlOptions& options) {
  std::vector<ScoreTerm> terms;
  std::vector<Entry*> open;
  for (auto& entry : entries_) {
    if (entry.value.defined() || !same_options(entry.options, options)) continue;
    terms.push_back(entry.term);
    open.push_back(&entry);
  }
  const auto values = score_kl(terms, options);
  for (std::size_t i = 0; i < open.size(); ++i) open[i]->value = values[i];
}

}  // namespace dime
