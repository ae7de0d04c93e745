// SPDX-License-Identifier: Apache-2.0
// KL divergence between the softmaxes of two score matrices that are never stored: the heart of the losses of DIME-FM.
//
// A score matrix is S = s * normalise(rows) normalise(columns)': the cosines of B rows with N columns, times a scale.
// A term is
//   rows_weight    * mean over rows    of KL(softmax(T / t) || softmax(S / t))
// + columns_weight * mean over columns of KL(softmax(T' / t) || softmax(S' / t))
// with T the teacher's and S the student's scores. No factor t^2 (DIME-FM, arXiv 2303.18232). Its gradient in S is
// (softmax(S / t) - softmax(T / t)) / (t B) for the rows and likewise for the columns.
//
// The tiled form walks over tiles of the matrices twice, first for the log-sum-exp of every row and column, then for
// the gradient: memory O((B + N) d). It is exact, not approximate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include <dime/api.hpp>
#include <dime/comm.hpp>

namespace dime {

/// Vectors that take part in scores, and what messages call them.
struct ScoreVectors {
  torch::Tensor vectors;  ///< [n, d] floating point, not normalised
  std::string name;       ///< "the student's image vectors"
};

/// A score matrix: scale * normalise(rows) normalise(columns)'. Rows are divided by their L2 norm, without an epsilon.
struct ScoreMatrix {
  ScoreVectors rows;     ///< [B, d]
  ScoreVectors columns;  ///< [N, d]; may be the same tensor as the rows or as another matrix's side
  double scale = 100.0;
  torch::Tensor learnt_scale;  ///< a scalar that takes the place of `scale` where it is defined; may need a gradient
};

enum class Reduction { mean, sum };

/// One term; see the head of this file.
struct ScoreTerm {
  ScoreMatrix teacher;  ///< a constant: gradients do not flow to it
  ScoreMatrix student;
  double temperature = 1.0;     ///< t > 0
  double rows_weight = 1.0;     ///< >= 0; 0: the rows' direction is left out
  double columns_weight = 0.0;  ///< >= 0; 0: the columns' direction is left out
  Reduction reduction = Reduction::mean;
  bool mask_diagonal = false;  ///< row i and column i of the global batch do not see each other
  std::string owner;           ///< begins messages: "[loss/vl] "
};

/// The type of the operands of matrix products. Sums are fp32 either way; bf16 operands are centred before rounding.
enum class Products { fp32, bf16 };

/// How a term is computed: with whole matrices, in tiles, or whichever is quicker at this size.
enum class ScoreForm { automatic, direct, tiled };

struct ScoreKlOptions {
  Products products = Products::fp32;
  ScoreForm form = ScoreForm::automatic;
  /// With more than one process, rows and columns are this process's own part of the global batch, and the value is W
  /// times its part of the loss: the mean over processes is the loss. Communication is O((B + N) d).
  Communicator* comm = nullptr;
};

/// Throws ArgumentError when the term cannot be computed: a side that is missing or no matrix of numbers, widths,
/// numbers of rows or devices that differ, temperature, scale or weights out of range, a teacher that wants a gradient.
/// Looks at no number of the vectors; score_kl does.
DIME_API void check_score_term(const ScoreTerm& term);

/// The values of the terms, scalars, fp32 (fp64 where the student is fp64). They share normalised operands, tiles and
/// statistics wherever the tensors are the same. Gradients flow to the student's vectors and learnt scales. They are
/// computed together with the values, unless autograd is off. Values of one call share one backward: add them up, or
/// keep the graph (retain_graph) between several. A second derivative is an error that says so. Throws what
/// check_score_term throws. A student's row that is not finite gives a value of NaN.
DIME_API std::vector<torch::Tensor> score_kl(const std::vector<ScoreTerm>& terms, const ScoreKlOptions& options = {});

/// The value of one term.
DIME_API torch::Tensor score_kl(const ScoreTerm& term, const ScoreKlOptions& options = {});

/// The terms that the losses of one step ask for, so that they can be computed together: each loss announces its own
/// before any asks for a value. Lives for one step.
class DIME_API ScoreWork {
 public:
  /// Announces terms; throws what check_score_term throws.
  void expect(std::vector<ScoreTerm> terms, const ScoreKlOptions& options);
  /// The value of a term. The first call computes all that was announced with the same options; a term that was not is
  /// computed alone.
  torch::Tensor value(const ScoreTerm& term, const ScoreKlOptions& options);

 private:
  struct Entry {
    ScoreTerm term;
    ScoreKlOptions options;
    torch::Tensor value;
  };
  void compute(const ScoreKlOptions& options);
  std::vector<Entry> entries_;
};

}  // namespace dime
