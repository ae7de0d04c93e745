// SPDX-License-Identifier: Apache-2.0
// The two passes over tiles. Terms that look along rows only are done while all products of their rows are at hand;
// those that look along columns, too, need a first pass over all rows.
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/score_kl/tiled_state.hpp"
#include "ops/score_kl/turns.hpp"

namespace dime::detail {
namespace {

/// One worker's room.
template <class Number>
struct Worker {
  explicit Worker(TiledState<Number>& state)
      : block(state.plan, state.tiling, state.kernels,
              state.tiling.keeps_rows ? state.second.pairs : std::vector<bool>(state.plan.pairs.size()), state.kept) {
    const auto number = c10::CppTypeToScalarType<Number>::value;
    const std::int64_t height = state.tiling.height, columns = state.tiling.columns;
    for (auto* room : {&factors, &student, &teacher}) *room = at::empty({height * columns}, number);
    row_sums = at::empty({static_cast<std::int64_t>(state.plan.terms.size()) * height}, number);
    column_sums = at::empty({columns}, number);
    scratch = at::empty(
        {static_cast<std::int64_t>(state.kernels.scratch_bytes(state.tiling.height, state.tiling.columns))}, at::kByte);
  }

  Block<Number> block;
  torch::Tensor factors;           // of one tile
  torch::Tensor student, teacher;  // products with a masked diagonal
  torch::Tensor row_sums;          // of the factors of each term
  torch::Tensor column_sums;       // of the factors of one tile
  torch::Tensor scratch;
};

template <class Number>
class Passes {
 public:
  explicit Passes(TiledState<Number>& state) : s_(state) {
    const auto threads = std::min<std::int64_t>(at::get_num_threads(), state.tiling.blocks);
    for (std::int64_t i = 0; i < threads; ++i) workers_.emplace_back(state);
  }

  void run() {
    for (std::size_t i = 0; i < s_.terms.size(); ++i) {
      const PlannedTerm& term = s_.plan.terms[i];
      s_.terms[i].rows.reset(side(term.student).rows, side(term.teacher).rows);
    }
    if (has(s_.first.sides)) {
      for_blocks([this](Worker<Number>& w, Turns& turns) { first_pass(w, turns); }, s_.first.pairs);
      finish_columns();
    }
    s_.kept.filled = true;
    const std::vector<bool> none(s_.plan.pairs.size());
    for_blocks([this](Worker<Number>& w, Turns& turns) { second_pass(w, turns); },
               s_.tiling.keeps_all ? none : s_.all.pairs);
  }

 private:
  static bool has(const std::vector<bool>& v) { return std::find(v.begin(), v.end(), true) != v.end(); }
  SideState<Number>& side(int i) { return s_.sides[static_cast<std::size_t>(i)]; }

  template <class Work>
  void for_blocks(Work work, const std::vector<bool>& pairs) {
    Turns turns(s_.tiling.blocks);
    at::parallel_for(0, static_cast<std::int64_t>(workers_.size()), 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = from; i < to; ++i) {
        Worker<Number>& w = workers_[static_cast<std::size_t>(i)];
        for (std::int64_t b = turns.take(); b < turns.blocks(); b = turns.take()) {
          w.block.enter(b, pairs);
          work(w, turns);
        }
      }
    });
  }

  /// A side's scores in tile `t`; a masked one is copied to `room`.
  ScoreTile<Number> tile(Worker<Number>& w, int i, std::int64_t t, torch::Tensor& room) {
    const ScoreSide& plan = s_.side(i);
    const auto scaling = side(i).scaling(w.block.first(), t * s_.tiling.columns);
    const Number* products = w.block.products(plan.pair, t);
    return {w.block.masked(products, plan, scaling, t, room.mutable_data_ptr<Number>()), scaling, w.block.height(),
            w.block.columns(plan.pair, t)};
  }

  void add_row_stats(Worker<Number>& w, const std::vector<bool>& sides, std::int64_t t) {
    for (std::size_t i = 0; i < sides.size(); ++i) {
      if (!sides[i]) continue;
      LogSums<Number>& rows = s_.sides[i].rows;
      const auto tile = this->tile(w, static_cast<int>(i), t, w.student);
      const auto first = static_cast<std::size_t>(w.block.first());
      if (tile.columns > 0) s_.kernels.row_stats(tile, &rows.max[first], &rows.sum[first]);
    }
  }

  void finish_row_stats(Worker<Number>& w, bool first_pass) {
    for (std::size_t i = 0; i < s_.terms.size(); ++i) {
      const PlannedTerm& term = s_.plan.terms[i];
      if (s_.in_first_pass(term) != first_pass) continue;
      s_.terms[i].rows.finish(side(term.student).rows, side(term.teacher).rows, w.block.first(),
                              w.block.first() + w.block.height());
    }
  }

  /// Half of a symmetric matrix is the other half.
  void fill_mirrored(Worker<Number>& w, std::int64_t t, const Turns& turns) {
    if (t >= w.block.index()) return;
    for (std::size_t p = 0; p < s_.plan.pairs.size(); ++p) {
      if (!s_.first.pairs[p] || !is_mirrored(s_, p)) continue;
      // Block t began at tile t.
      turns.wait_for(t, w.block.index() - t + 1);
      w.block.mirror(static_cast<int>(p), t);
    }
  }

  void add_column_stats(Worker<Number>& w, std::int64_t t) {
    for (std::size_t i = 0; i < s_.sides.size(); ++i) {
      if (!s_.plan.sides[i].columns) continue;
      auto& parts = s_.sides[i].column_parts;
      LogSums<Number>& columns = parts[static_cast<std::size_t>(w.block.index()) % parts.size()];
      const auto tile = this->tile(w, static_cast<int>(i), t, w.student);
      const auto first = static_cast<std::size_t>(t * s_.tiling.columns);
      if (tile.columns > 0) s_.kernels.column_stats(tile, &columns.max[first], &columns.sum[first]);
    }
  }

  /// A block begins at its own tile, so that those that it takes from earlier blocks come last.
  void first_pass(Worker<Number>& w, Turns& turns) {
    const std::int64_t block = w.block.index(), tiles = s_.tiling.tiles;
    for (const auto& side : s_.sides) {
      turns.wait_for(side.column_parts.empty() ? -1 : block - static_cast<std::int64_t>(side.column_parts.size()),
                     tiles);
    }
    for (std::int64_t n = 0; n < tiles; ++n) {
      const std::int64_t t = (block + n) % tiles;
      fill_mirrored(w, t, turns);
      add_row_stats(w, s_.first.sides, t);
      add_column_stats(w, t);
      turns.finish(block, n + 1);
    }
    finish_row_stats(w, true);
  }

  void finish_columns() {
    for (std::size_t i = 0; i < s_.sides.size(); ++i) {
      if (!s_.plan.sides[i].columns) continue;
      for (const auto& part : s_.sides[i].column_parts) s_.sides[i].columns.add(part);
      if (s_.plan.comm != nullptr) s_.sides[i].columns.combine(*s_.plan.comm);
    }
    for (std::size_t i = 0; i < s_.terms.size(); ++i) {
      const PlannedTerm& term = s_.plan.terms[i];
      if (!looks_along_columns(term)) continue;
      const auto &student = side(term.student).columns, &teacher = side(term.teacher).columns;
      s_.terms[i].columns.reset(student, teacher);
      s_.terms[i].columns.finish(student, teacher, 0, static_cast<std::int64_t>(student.max.size()));
    }
  }

  void second_pass(Worker<Number>& w, Turns& turns) {
    for (std::int64_t t = 0; has(s_.second.sides) && t < s_.tiling.tiles; ++t) add_row_stats(w, s_.second.sides, t);
    finish_row_stats(w, false);
    w.row_sums.zero_();
    for (std::int64_t t = 0; t < s_.tiling.tiles; ++t) {
      for (std::size_t i = 0; i < s_.terms.size(); ++i) compare(w, i, t, turns);
      turns.finish(w.block.index(), t + 1);
    }
    for (std::size_t i = 0; i < s_.terms.size(); ++i) finish_row_gradient(w, i);
  }

  void compare(Worker<Number>& w, std::size_t i, std::int64_t t, Turns& turns) {
    const PlannedTerm& plan = s_.plan.terms[i];
    TermState<Number>& term = s_.terms[i];
    FactorInput<Number> in;
    in.student = tile(w, plan.student, t, w.student);
    in.teacher = tile(w, plan.teacher, t, w.teacher);
    if (in.student.columns == 0) return;
    const auto rows = term.rows.at(w.block.first());
    SoftmaxStats<Number> columns;
    if (plan.rows_weight > 0 || !looks_along_columns(plan)) in.rows = &rows;
    if (looks_along_columns(plan)) {
      columns = term.columns.at(t * s_.tiling.columns);
      in.columns = &columns;
    }
    in.column_ratio = static_cast<Number>(weights_of(plan).column_ratio);
    Number* column_sums = term.column_sums.defined() ? w.column_sums.template mutable_data_ptr<Number>() : nullptr;
    if (column_sums != nullptr) std::fill_n(column_sums, in.student.columns, Number{0});
    const auto added =
        s_.kernels.factors(in, w.factors.template mutable_data_ptr<Number>(), row_sums(w, i), column_sums);
    auto& sum = term.divergences[static_cast<std::size_t>(w.block.index())];
    sum.rows += added.rows;
    sum.columns += added.columns;
    if (plan.row_gradient) add_row_gradient(w, i, t, in.student.columns);
    if (plan.column_gradient) {
      turns.wait_for(w.block.index() - 1, t + 1);
      add_column_gradient(w, i, t, in.student.columns);
    }
  }

  Number* row_sums(Worker<Number>& w, std::size_t term) {
    return w.row_sums.template mutable_data_ptr<Number>() + static_cast<std::int64_t>(term) * s_.tiling.height;
  }

  /// fp32 products are of the vectors as they are: their norms go into the gradient's products. bf16 ones are scaled.
  const Number* norms(const ScoreOperand& operand) const {
    return operand.words.defined() ? nullptr : operand.inverse_norms.const_data_ptr<Number>();
  }

  /// The factors of a tile of `columns`, for the vectors of an operand from `first` on.
  GradientInput<Number> gradient_input(const Worker<Number>& w, const ScoreOperand& operand, std::int64_t first,
                                       int columns) const {
    const auto* scale = norms(operand);
    return {w.factors.template const_data_ptr<Number>(),
            w.block.height(),
            w.block.rows(),
            columns,
            vector_at(operand, first),
            words_per_vector(operand),
            scale != nullptr ? scale + first : nullptr,
            static_cast<int>(operand.vectors.size(1))};
  }

  void add_row_gradient(Worker<Number>& w, std::size_t i, std::int64_t t, int columns) {
    const ScoreOperand& operand = s_.columns_of(s_.side(s_.plan.terms[i].student));
    auto& gradient = s_.terms[i].row_gradient;
    s_.kernels.row_gradient(gradient_input(w, operand, t * s_.tiling.columns, columns), t > 0,
                            gradient.template mutable_data_ptr<Number>() + w.block.first() * gradient.size(1),
                            gradient.size(1), w.scratch.mutable_data_ptr());
  }

  void add_column_gradient(Worker<Number>& w, std::size_t i, std::int64_t t, int columns) {
    const ScoreOperand& operand = s_.rows_of(s_.side(s_.plan.terms[i].student));
    const std::int64_t first = t * s_.tiling.columns;
    auto& gradient = s_.terms[i].column_gradient;
    s_.kernels.column_gradient(gradient_input(w, operand, w.block.first(), columns), w.block.index() > 0,
                               gradient.template mutable_data_ptr<Number>() + first * gradient.size(1),
                               gradient.size(1), w.scratch.mutable_data_ptr());
    if (!s_.terms[i].column_sums.defined()) return;
    auto* sums = s_.terms[i].column_sums.template mutable_data_ptr<Number>() + first;
    const auto* added = w.column_sums.template const_data_ptr<Number>();
    for (int j = 0; j < columns; ++j) sums[j] += added[j];
  }

  void finish_row_gradient(Worker<Number>& w, std::size_t i) {
    const PlannedTerm& plan = s_.plan.terms[i];
    if (!plan.row_gradient) return;
    const ScoreOperand &rows = s_.rows_of(s_.side(plan.student)), &columns = s_.columns_of(s_.side(plan.student));
    const double common = weights_of(plan).common;
    const auto factor = static_cast<Number>(common * plan.scale);
    const Number* mean = columns.mean.defined() ? columns.mean.template const_data_ptr<Number>() : nullptr;
    auto& gradient = s_.terms[i].row_gradient;
    const std::int64_t width = rows.vectors.size(1), first = w.block.first();
    double along = 0;
    for (std::int64_t r = first; r < first + w.block.rows(); ++r) {
      along += s_.kernels.denormalise(gradient.template mutable_data_ptr<Number>() + r * gradient.size(1),
                                      rows.vectors.template const_data_ptr<Number>() + r * width,
                                      rows.inverse_norms.template const_data_ptr<Number>()[r], factor, mean,
                                      row_sums(w, i)[r - first], static_cast<int>(width));
    }
    s_.terms[i].scale_gradients[static_cast<std::size_t>(w.block.index())] = common * along;
  }

  TiledState<Number>& s_;
  std::vector<Worker<Number>> workers_;
};

}  // namespace

template <class Number>
void run_passes(TiledState<Number>& state) {
  Passes<Number>(state).run();
}

template void run_passes(TiledState<float>&);
template void run_passes(TiledState<double>&);

}  // namespace dime::detail
