// SPDX-License-Identifier: Apache-2.0
#include "ops/score_kl/plan.hpp"

#include <algorithm>
#include <numbers>

#include <torch/types.h>

#include <dime/error.hpp>

#include "ops/score_kl/operands.hpp"

namespace dime::detail {
namespace {

// Below this number of scores whole matrices are quicker (docs/performance.md).
constexpr std::int64_t kFewScores = 64 * 64;

// For a learnt scale of 0: scores that no softmax tells apart, beside which masked ones are still below all others.
constexpr double kNextToNothing = 1e-30;

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.const_data_ptr() == b.const_data_ptr() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         a.strides() == b.strides();
}

bool same_scale(const torch::Tensor& a, const torch::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || same(a, b));
}

template <class T, class Equal>
int place_of(std::vector<T>& all, T x, Equal equal) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& y) { return equal(x, y); });
  if (found != all.end()) return static_cast<int>(found - all.begin());
  all.push_back(std::move(x));
  return static_cast<int>(all.size()) - 1;
}

class Planner {
 public:
  Planner(const ScoreKlOptions& options, bool gradients) : form_(options.form), gradients_(gradients) {
    plan_.products = options.products;
    if (options.comm != nullptr && options.comm->size() > 1) plan_.comm = options.comm;
  }

  ScorePlan make(const std::vector<ScoreTerm>& terms) {
    type_ = at::kFloat;
    for (const auto& t : terms) {
      if (t.student.rows.vectors.scalar_type() == at::kDouble) type_ = at::kDouble;
    }
    const std::int64_t rows = terms[0].student.rows.vectors.size(0);
    plan_.rows = plan_.comm == nullptr ? RowRange{0, rows, rows} : range_of(rows);
    plan_.small = are_small(terms);
    // The digits cost next to nothing there, and few roundings do not average out.
    const bool exact = form_ == ScoreForm::automatic && plan_.products == Products::fp32;
    if (plan_.small && exact && terms[0].student.rows.vectors.is_cpu()) type_ = at::kDouble;
    if (type_ == at::kDouble) plan_.products = Products::fp32;
    for (const auto& term : terms) add(term);
    if (plan_.comm != nullptr) plan_.finite = all_finite();
    return std::move(plan_);
  }

 private:
  /// An operand that stands in rows, or one of the columns of all processes.
  struct Source {
    torch::Tensor tensor;
    bool gathered;
  };

  RowRange range_of(std::int64_t own) {
    const auto counts = plan_.comm->all_gather_rows(at::full({1}, own, at::kLong));
    const auto* n = counts.const_data_ptr<std::int64_t>();
    RowRange range{0, own, 0};
    for (int r = 0; r < plan_.comm->size(); ++r) {
      if (r < plan_.comm->rank()) range.first += n[r];
      range.total += n[r];
    }
    return range;
  }

  bool are_small(const std::vector<ScoreTerm>& terms) {
    bool small = true;
    for (const auto& term : terms) {
      const std::int64_t own = term.student.columns.vectors.size(0);
      small = plan_.rows.total * (plan_.comm == nullptr ? own : range_of(own).total) <= kFewScores && small;
    }
    return small;
  }

  /// All processes go on together, or none does.
  bool all_finite() {
    auto bad = at::full({1}, plan_.finite ? 0 : 1, at::kLong);
    plan_.comm->all_reduce_max(bad);
    return bad.item<std::int64_t>() == 0;
  }

  int operand(const ScoreTerm& term, const ScoreVectors& given, bool column, bool teacher) {
    const bool gathered = column && plan_.comm != nullptr;
    const auto equal = [](const Source& a, const Source& b) {
      return a.gathered == b.gathered && same(a.tensor, b.tensor);
    };
    const int i = place_of(sources_, Source{given.vectors.detach(), gathered}, equal);
    if (static_cast<std::size_t>(i) == plan_.operands.size()) {
      auto vectors = given.vectors.detach().to(type_).contiguous();
      if (gathered) vectors = plan_.comm->all_gather_rows(vectors);
      plan_.operands.push_back(make_operand(vectors, plan_.products));
    }
    const ScoreOperand& x = plan_.operands[static_cast<std::size_t>(i)];
    refuse_zeros(x, term.owner, given.name);
    const std::int64_t bad = first_not_finite(x);
    if (bad >= 0 && teacher) {
      throw ArgumentError(term.owner + "row " + std::to_string(bad) + " of " + given.name + " is not finite");
    }
    plan_.finite = plan_.finite && bad < 0;
    return i;
  }

  int side(const ScoreTerm& term, const ScoreMatrix& matrix, bool teacher) {
    const ScorePair pair{operand(term, matrix.rows, false, teacher), operand(term, matrix.columns, true, teacher)};
    ScoreSide side;
    side.pair = place_of(plan_.pairs, pair, [](const ScorePair& a, const ScorePair& b) {
      return a.rows == b.rows && a.columns == b.columns;
    });
    side.factor = scale_of(matrix) / term.temperature * std::numbers::log2e;
    if (side.factor == 0) side.factor = kNextToNothing;
    side.learnt_scale = device_scale_of(matrix);
    side.mask_diagonal = term.mask_diagonal;
    const int i = place_of(plan_.sides, side, [](const ScoreSide& a, const ScoreSide& b) {
      return a.pair == b.pair && a.factor == b.factor && a.mask_diagonal == b.mask_diagonal &&
             same_scale(a.learnt_scale, b.learnt_scale);
    });
    if (term.columns_weight > 0) plan_.sides[static_cast<std::size_t>(i)].columns = true;
    return i;
  }

  /// Reading a scale that lies on a device would make the host wait for it.
  static double scale_of(const ScoreMatrix& matrix) {
    const auto& learnt = matrix.learnt_scale;
    if (!learnt.defined()) return matrix.scale;
    return learnt.is_cpu() ? learnt.item<double>() : 1;
  }

  static torch::Tensor device_scale_of(const ScoreMatrix& matrix) {
    const auto& learnt = matrix.learnt_scale;
    return learnt.defined() && !learnt.is_cpu() ? learnt.detach().reshape({}) : torch::Tensor();
  }

  void add(const ScoreTerm& term) {
    PlannedTerm t;
    t.student = side(term, term.student, false);
    t.teacher = side(term, term.teacher, true);
    const ScorePair& pair = plan_.pair(plan_.sides[static_cast<std::size_t>(t.student)]);
    const std::int64_t columns = plan_.operands[static_cast<std::size_t>(pair.columns)].vectors.size(0);
    const bool mean = term.reduction == Reduction::mean;
    // The mean over processes of what they return is the loss.
    const double world = plan_.comm == nullptr ? 1 : plan_.comm->size();
    t.rows_weight = world * term.rows_weight / (mean ? static_cast<double>(plan_.rows.total) : 1);
    t.columns_weight = world * term.columns_weight / (mean ? static_cast<double>(columns) : 1);
    t.scale = scale_of(term.student);
    t.learnt_scale = device_scale_of(term.student);
    t.inverse_temperature = 1 / term.temperature;
    t.own_columns = term.student.columns.vectors.size(0);
    if (plan_.comm != nullptr) t.first_column = range_of(t.own_columns).first;
    const auto wanted = [&](const torch::Tensor& x) { return gradients_ && x.defined() && x.requires_grad(); };
    t.column_gradient = wanted(term.student.columns.vectors);
    // The scale's gradient falls out of the rows'.
    t.row_gradient = wanted(term.student.rows.vectors) || wanted(term.student.learnt_scale);
    plan_.terms.push_back(t);
  }

  ScorePlan plan_;
  std::vector<Source> sources_;
  at::ScalarType type_ = at::kFloat;
  ScoreForm form_;
  bool gradients_;
};

}  // namespace

ScorePlan plan_score_kl(const std::vector<ScoreTerm>& terms, const ScoreKlOptions& options, bool gradients) {
  return Planner(options, gradients).make(terms);
}

}  // namespace dime::detail
