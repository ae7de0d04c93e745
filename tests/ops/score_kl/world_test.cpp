// SPDX-License-Identifier: Apache-2.0
// Groups of processes, each with a part of the rows and columns: threads take their part.
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <limits>

#include <dime/error.hpp>

#include "comm/thread_world.hpp"
#include "ops/score_kl/data.hpp"
#include "ops/score_kl/reference.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"

namespace dime::test {
namespace {

/// How many rows and columns each rank has.
struct Cut {
  std::vector<std::int64_t> rows, columns;

  int world() const { return static_cast<int>(rows.size()); }
};

std::vector<std::int64_t> even(std::int64_t count, int world) {
  std::vector<std::int64_t> parts;
  for (int r = 0; r < world; ++r) parts.push_back(rows_of_rank(count, r, world).count);
  return parts;
}

// One rank has all but a row for each other.
std::vector<std::int64_t> lopsided(std::int64_t count, int world, int rank) {
  std::vector<std::int64_t> parts(static_cast<std::size_t>(world), 1);
  parts[static_cast<std::size_t>(rank)] = count - world + 1;
  return parts;
}

std::vector<Cut> cuts(const Size& size, int world) {
  std::vector<Cut> all{{even(size.rows, world), even(size.columns, world)}};
  if (world > 1) all.push_back({lopsided(size.rows, world, 0), lopsided(size.columns, world, world - 1)});
  return all;
}

RowRange part_of(const std::vector<std::int64_t>& counts, int rank) {
  RowRange range;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    if (static_cast<int>(r) < rank) range.first += counts[r];
    range.total += counts[r];
  }
  range.count = counts[static_cast<std::size_t>(rank)];
  return range;
}

torch::Tensor narrowed(const torch::Tensor& x, const RowRange& range) {
  return x.detach().narrow(0, range.first, range.count).clone().requires_grad_(x.requires_grad());
}

/// A rank's own part of a term. Where rows and columns are one tensor, they stay one.
ScoreTerm part_of(const ScoreTerm& whole, const Cut& cut, int rank) {
  ScoreTerm term = whole;
  const auto rows = part_of(cut.rows, rank), columns = part_of(cut.columns, rank);
  const auto same = [](const ScoreMatrix& m) { return m.rows.vectors.is_same(m.columns.vectors); };
  for (const auto& [part, from] :
       {std::pair{&term.student, &whole.student}, std::pair{&term.teacher, &whole.teacher}}) {
    part->rows.vectors = narrowed(from->rows.vectors, rows);
    part->columns.vectors = same(*from) ? part->rows.vectors : narrowed(from->columns.vectors, columns);
    if (from->learnt_scale.defined()) {
      part->learnt_scale = from->learnt_scale.detach().clone().requires_grad_(from->learnt_scale.requires_grad());
    }
  }
  return term;
}

/// What all ranks give together: the means of values and of scales' gradients, and the vectors' gradients in order,
/// divided by the number of ranks.
Outcome gathered(const std::vector<Outcome>& outcomes) {
  Outcome all;
  const auto world = static_cast<double>(outcomes.size());
  for (const auto& o : outcomes) all.value += o.value / world;
  for (std::size_t i = 0; i < outcomes[0].gradients.size(); ++i) {
    std::vector<torch::Tensor> parts;
    for (const auto& o : outcomes) parts.push_back(o.gradients[i]);
    const bool vectors = parts[0].dim() == 2;
    all.gradients.push_back(vectors ? at::cat(parts) / world : at::stack(parts).mean());
  }
  return all;
}

/// Calls `work` in each rank, with options of its own.
template <class Work>
void run_world(ThreadWorld& world, const ScoreKlOptions& options, const Work& work) {
  world.run([&](Communicator& comm) {
    at::set_num_threads(1);
    ScoreKlOptions own = options;
    own.comm = &comm;
    work(comm.rank(), own);
  });
}

Outcome by_world(ThreadWorld& world, const ScoreTerm& term, const Cut& cut, const ScoreKlOptions& options) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(cut.world()));
  run_world(world, options, [&](int rank, const ScoreKlOptions& own) {
    outcomes[static_cast<std::size_t>(rank)] = by_score_kl(part_of(term, cut, rank), own);
  });
  return gathered(outcomes);
}

std::vector<ScoreKlOptions> forms() { return {form_of(ScoreForm::tiled), form_of(ScoreForm::direct)}; }

Cut fitting(Cut cut, const ScoreTerm& term) {
  if (term.student.rows.vectors.size(0) == term.student.columns.vectors.size(0)) cut.columns = cut.rows;
  return cut;
}

TEST(ScoreKlWorld, GivesTheWholeBatchesValuesAndGradients) {
  const Size size{61, 45, 16};
  const auto sides = make_sides(Kind::near, size, 1);
  for (const char* loss : kTerms) {
    for (const bool mask : {false, true}) {
      auto term = make_term(loss, sides, 10);
      term.mask_diagonal = mask;
      term.reduction = mask ? Reduction::sum : Reduction::mean;
      const auto truth = truth_of(term);
      for (const int world : {1, 2, 4, 7}) {
        for (const auto& cut : cuts(size, world)) {
          for (const auto& options : forms()) {
            SCOPED_TRACE(c10::str(loss, ", mask ", mask, ", world ", world, ", first part ", cut.rows[0], ", ",
                                  text_of(options)));
            ThreadWorld threads(world);
            expect_close(by_world(threads, term, fitting(cut, term), options), truth, 1e-5);
          }
        }
      }
    }
  }
}

TEST(ScoreKlWorld, Bf16) {
  const Size size{161, 130, 48};
  const auto sides = make_sides(Kind::opposite, size, 2);
  for (const char* loss : kTerms) {
    const auto term = make_term(loss, sides, 20);
    const auto truth = truth_of(term);
    for (const auto& cut : cuts(size, 3)) {
      for (const auto form : {ScoreForm::tiled, ScoreForm::direct}) {
        SCOPED_TRACE(c10::str(loss, ", first part ", cut.rows[0], ", ", text_of(form_of(form))));
        ThreadWorld threads(3);
        expect_close(by_world(threads, term, fitting(cut, term), form_of(form, Products::bf16)), truth, 1e-2);
      }
    }
  }
}

TEST(ScoreKlWorld, ResultsDoNotDependOnTiming) {
  const Size size{97, 80, 16};
  const auto term = make_term("crd", make_sides(Kind::random, size, 3));
  ThreadWorld threads(4);
  const auto first = by_world(threads, term, cuts(size, 4)[0], form_of(ScoreForm::tiled));
  for (int i = 0; i < 10; ++i) {
    const auto again = by_world(threads, term, cuts(size, 4)[0], form_of(ScoreForm::tiled));
    EXPECT_EQ(again.value, first.value);
    for (std::size_t g = 0; g < first.gradients.size(); ++g) {
      EXPECT_TRUE(at::equal(again.gradients[g], first.gradients[g]));
    }
  }
}

TEST(ScoreKlWorld, SendsVectorsAndNoScores) {
  const Size size{600, 500, 16};
  const auto sides = make_sides(Kind::random, size, 4);
  for (const char* loss : kTerms) {
    for (const auto& options : forms()) {
      SCOPED_TRACE(c10::str(loss, " ", text_of(options)));
      const auto term = make_term(loss, sides);
      ThreadWorld threads(4);
      by_world(threads, term, fitting(cuts(size, 4)[0], term), options);
      for (int r = 0; r < 4; ++r) {
        EXPECT_GT(threads.bytes_sent(r), 100 * size.width * 4) << "or nothing was exchanged";
        EXPECT_LE(threads.bytes_sent(r), 4 * (size.rows + size.columns) * size.width * 8);
      }
    }
  }
}

std::int64_t bytes_of_values(const ScoreTerm& term, const Cut& cut, const ScoreKlOptions& options, bool gradients) {
  ThreadWorld world(cut.world());
  run_world(world, options, [&](int rank, const ScoreKlOptions& own) {
    const at::AutoGradMode mode(gradients);
    score_kl(part_of(term, cut, rank), own);
  });
  return world.bytes_sent(0);
}

TEST(ScoreKlWorld, SendsNoGradientsWhereAutogradIsOff) {
  const Size size{60, 50, 32};
  const auto term = make_term("crd", make_sides(Kind::random, size, 5));
  for (const auto& options : forms()) {
    EXPECT_EQ(bytes_of_values(term, cuts(size, 2)[0], options, true) -
                  bytes_of_values(term, cuts(size, 2)[0], options, false),
              size.columns * size.width * 4)
        << text_of(options);
  }
}

// Ranks of parts on both sides of the size where whole matrices become slower must take one form.
TEST(ScoreKlWorld, RanksAgreeOnTheForm) {
  for (std::int64_t rows = 120; rows < 140; rows += 3) {
    const Size size{rows, rows, 4};
    const auto term = make_term("crd", make_sides(Kind::random, size, 6), 10);
    for (const auto& cut : {cuts(size, 2)[0], cuts(size, 2)[1]}) {
      SCOPED_TRACE(c10::str(rows, " rows, first part ", cut.rows[0]));
      ThreadWorld threads(2);
      expect_close(by_world(threads, term, cut, {}), truth_of(term), 1e-5);
    }
  }
}

// Terms of images and of pairs may have equally many rows on one rank and not on another.
TEST(ScoreKlWorld, RanksAgreeOnWhatIsComputedTogether) {
  const auto few = make_term("vl", make_sides(Kind::random, {6, 7, 5}, 7), 10);
  const auto many = make_term("crd", make_sides(Kind::random, {7, 5, 5}, 8), 10);
  for (const auto& options : forms()) {
    std::vector<Outcome> first(2), second(2);
    ThreadWorld threads(2);
    run_world(threads, options, [&](int rank, const ScoreKlOptions& own) {
      const std::vector<ScoreTerm> terms{part_of(few, {{3, 3}, {4, 3}}, rank), part_of(many, {{3, 4}, {2, 3}}, rank)};
      const auto values = score_kl(terms, own);
      first[static_cast<std::size_t>(rank)] = outcome_of(values[0], terms[0]);
      second[static_cast<std::size_t>(rank)] = outcome_of(values[1], terms[1]);
    });
    expect_close(gathered(first), truth_of(few), 1e-5);
    expect_close(gathered(second), truth_of(many), 1e-5);
  }
}

TEST(ScoreKlWorld, AStudentThatIsNotFiniteOnOneRankIsKnownToAll) {
  const Size size{20, 12, 5};
  for (const auto& options : forms()) {
    for (const char* loss : kTerms) {
      auto sides = make_sides(Kind::random, size, 9);
      sides.student_images.detach()[1][2] = std::numeric_limits<float>::quiet_NaN();
      const auto term = make_term(loss, sides);
      std::vector<Outcome> outcomes(3);
      ThreadWorld threads(3);
      run_world(threads, options, [&](int rank, const ScoreKlOptions& own) {
        const auto cut = fitting(cuts(size, 3)[0], term);
        outcomes[static_cast<std::size_t>(rank)] = by_score_kl(part_of(term, cut, rank), own);
      });
      for (const auto& o : outcomes) {
        EXPECT_TRUE(std::isnan(o.value)) << loss;
        for (const auto& gradient : o.gradients) EXPECT_TRUE(gradient.isnan().all().item<bool>());
      }
    }
  }
}

TEST(ScoreKlWorld, AnErrorOfOneRankReachesAll) {
  const Size size{20, 12, 5};
  auto sides = make_sides(Kind::random, size, 10);
  sides.teacher_images[15].zero_();
  const auto term = make_term("vl", sides);
  ThreadWorld threads(2);
  EXPECT_EQ(error_text<ArgumentError>([&] { by_world(threads, term, cuts(size, 2)[0], {}); }),
            "[loss/vl] row 5 of the teacher's image vectors is all zeros: it has no direction");
}

}  // namespace
}  // namespace dime::test
