// SPDX-License-Identifier: Apache-2.0
// The terms of one call of score_kl, taken apart so that what several of them need stands there once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dime/score_kl.hpp>

#include "ops/score_kl/geometry.hpp"

namespace dime::detail {

/// Vectors in the form that products take them in.
struct ScoreOperand {
  torch::Tensor vectors;        ///< [n, d] fp32 or fp64, contiguous
  torch::Tensor inverse_norms;  ///< [n]
  torch::Tensor words;          ///< [n, 2 ceil(d / 2)] bf16: normalised, less their mean; undefined without bf16
  torch::Tensor mean;           ///< [d] of the normalised vectors, with bf16
};

/// Products of two operands, by number.
struct ScorePair {
  int rows = 0;
  int columns = 0;
};

/// A score matrix over its temperature: products times a factor, in units of log2(e).
struct ScoreSide {
  int pair = 0;
  double factor = 1;
  torch::Tensor learnt_scale;  ///< a further factor, 0-dim, that lies on a device and is not read; else undefined
  bool mask_diagonal = false;
  bool columns = false;  ///< whether the statistics of its columns are needed
};

struct PlannedTerm {
  int student = 0;  ///< side
  int teacher = 0;
  double rows_weight = 0;  ///< divided by the number of rows where the mean is asked for
  double columns_weight = 0;
  double inverse_temperature = 1;
  double scale = 1;            ///< the student's
  torch::Tensor learnt_scale;  ///< the student's, where it lies on a device: `scale` is 1 then
  bool row_gradient = false;
  bool column_gradient = false;
  std::int64_t first_column = 0;  ///< those that are this process's, where columns were gathered
  std::int64_t own_columns = 0;
};

struct ScorePlan {
  KeptRoom kept;
  bool small = false;  ///< whole matrices are quicker than tiles
  bool finite = true;  ///< false: a student's vector, of any process, is not, so no value can be
  std::vector<ScoreOperand> operands;
  std::vector<ScorePair> pairs;
  std::vector<ScoreSide> sides;
  std::vector<PlannedTerm> terms;
  RowRange rows;  ///< this process's rows in the global batch
  Products products = Products::fp32;
  Communicator* comm = nullptr;  ///< null in a world of one

  const ScorePair& pair(const ScoreSide& side) const { return pairs[static_cast<std::size_t>(side.pair)]; }
};

inline bool looks_along_columns(const PlannedTerm& term) { return term.columns_weight > 0; }

/// What all gradients of a term in its scores have in common, and the weight of the columns' direction beside it. A
/// gradient in the cosines is `scale` times as large.
struct TermWeights {
  double common;
  double column_ratio;
};
inline TermWeights weights_of(const PlannedTerm& term) {
  if (term.rows_weight > 0) {
    return {term.rows_weight * term.inverse_temperature, term.columns_weight / term.rows_weight};
  }
  return {term.columns_weight * term.inverse_temperature, 1};
}

/// What a term gives, on the device of its vectors. Gradients are those of the vectors as they were given, not
/// normalised; undefined where they were not asked for.
struct ScoreResult {
  torch::Tensor value;            ///< 0-dim fp64
  torch::Tensor row_gradient;     ///< [B, d]
  torch::Tensor column_gradient;  ///< [N, d], of this process's columns
  torch::Tensor scale_gradient;   ///< 0-dim fp64
};

/// The plan of terms that were checked and have equally many rows on one device. Gathers the columns of other
/// processes. On the CPU it throws ArgumentError for a row of zeros and for a teacher's row that is not finite; on
/// another device nothing is read.
ScorePlan plan_score_kl(const std::vector<ScoreTerm>& terms, const ScoreKlOptions& options, bool gradients);

/// Computes the terms with whole matrices, on any device.
std::vector<ScoreResult> direct_score_kl(const ScorePlan& plan);

/// Computes the terms in tiles, on the CPU.
std::vector<ScoreResult> tiled_score_kl(const ScorePlan& plan);

/// The same on CUDA: a function of libdime_cuda.so, or null where that does not open; `why` then hears the reason.
using TiledScoreKl = std::vector<ScoreResult> (*)(const ScorePlan& plan);
TiledScoreKl cuda_score_kl(std::string* why);

}  // namespace dime::detail
