// SPDX-License-Identifier: Apache-2.0
// The inner loops of score_kl, one set for each kind of processor and type of product. Torch-free.
//
// A tile is a part of a score matrix: `columns` columns of it, each a row of memory, by `height` rows of it, which lie
// side by side: a vector register holds scores of many rows with one column. Rows come in panels of `panel` rows,
// transposed, so that `height` is a multiple of `panel`; rows past the last real one hold zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dime::detail {

/// How the products of a tile become scores over temperature, in units of log2(e):
/// score(i, j) = (product(i, j) * column_factor[j]) * row_factor[i] + row_add[i] + column_add[j].
template <class Number>
struct ScoreScaling {
  const Number* row_factor;
  const Number* row_add;
  const Number* column_factor;
  const Number* column_add;
};

template <class Number>
struct ScoreTile {
  const Number* products;  ///< [columns][height]
  ScoreScaling<Number> scaling;
  int height;
  int columns;
};

/// What is known of the softmaxes of one direction: the maximum of the scores and 1 / sum of exp2(score - maximum), of
/// the student and the teacher, and log2 of the teacher's sum less that of the student's.
template <class Number>
struct SoftmaxStats {
  const Number* student_max = nullptr;
  const Number* student_reciprocal = nullptr;
  const Number* teacher_max = nullptr;
  const Number* teacher_reciprocal = nullptr;
  const Number* log_difference = nullptr;
};

template <class Number>
struct FactorInput {
  ScoreTile<Number> student;
  ScoreTile<Number> teacher;
  const SoftmaxStats<Number>* rows = nullptr;     ///< null: without this direction
  const SoftmaxStats<Number>* columns = nullptr;  ///< null: without this direction
  Number column_ratio = 0;                        ///< the weight of the columns' direction beside the rows' (1)
};

/// What a tile adds to the divergences, not yet divided by the numbers of rows and columns.
struct Divergences {
  double rows = 0;
  double columns = 0;
};

/// What a tile adds to a gradient: its factors and the vectors that they weigh.
template <class Number>
struct GradientInput {
  const Number* factors;  ///< [columns][height]
  int height;
  int rows;
  int columns;
  const void* vectors;    ///< one for each column for the rows' gradient, one for each row for the columns'
  std::ptrdiff_t stride;  ///< words from one to the next
  const Number* scale;    ///< a factor of each; may be null
  int width;              ///< numbers of each
};

template <class Number>
struct ScoreKernels {
  int panel;   ///< rows of a panel; gradients are made in strips of as many numbers
  int group;   ///< columns of a tile are best a multiple of it
  int packed;  ///< numbers of an operand in one word of `word_bytes`: vectors are stored in whole words
  std::size_t word_bytes;

  /// Transposes `count` rows of `words` words, `stride` words apart, into panels [words][panel].
  void (*pack)(const void* rows, std::ptrdiff_t stride, int count, int words, void* panels);
  /// to [columns][padded] = the transpose of from [rows][stride], with zeros past `rows`.
  void (*transpose)(const Number* from, std::ptrdiff_t stride, int rows, int columns, int padded, Number* to);
  /// The products of `panels` panels with `columns` vectors -> out [columns][panels * panel]: sums over parts of at
  /// most `part` words, which are summed alone.
  void (*products)(const void* packed, int panels, const void* vectors, std::ptrdiff_t stride, int columns, int words,
                   int part, Number* out);
  /// gradient [rows][gradient_stride] (+)= sum over j of factors (i, j) * scale[j] * vectors[j]. Writes `width`
  /// numbers, rounded up to `panel`, of each row.
  void (*row_gradient)(const GradientInput<Number>& in, bool add, Number* gradient, std::ptrdiff_t gradient_stride,
                       void* scratch);
  /// gradient [columns][gradient_stride] (+)= sum over i < rows of factors (i, j) * scale[i] * vectors[i].
  void (*column_gradient)(const GradientInput<Number>& in, bool add, Number* gradient, std::ptrdiff_t gradient_stride,
                          void* scratch);
  /// Bytes of scratch that the gradients need.
  std::size_t (*scratch_bytes)(int height, int columns);
  /// Brings the running maximum and sum of each row [height] up to date.
  void (*row_stats)(const ScoreTile<Number>& tile, Number* max, double* sum);
  /// The same of each column [columns].
  void (*column_stats)(const ScoreTile<Number>& tile, Number* max, double* sum);
  /// factors [columns][height] = student's less teacher's softmax; adds them up for each row in `row_sums` and each
  /// column in `column_sums`.
  Divergences (*factors)(const FactorInput<Number>& in, Number* factors, Number* row_sums, Number* column_sums);
  /// A vector times its inverse norm, less the mean, as bf16; null for other products.
  void (*centre)(const float* vector, float inverse_norm, const float* mean, int width, std::uint16_t* out);
  /// Turns the gradient of a normalised vector, times `factor`, into that of the vector itself, in place; where `mean`
  /// is not null, `sum` times it is missing in the gradient. Returns the gradient's product, without the factor, with
  /// the normalised vector.
  double (*denormalise)(Number* gradient, const Number* vector, Number inverse_norm, Number factor, const Number* mean,
                        Number sum, int width);
};

/// Stands for minus infinity: pairs that are masked; twice it stands for rows that are none.
inline constexpr float kNoScore = -1e30F;

const ScoreKernels<float>& portable_score_kernels(bool bf16);
const ScoreKernels<double>& double_score_kernels();
/// Null where the processor or the build has no AVX2 with FMA.
const ScoreKernels<float>* avx2_score_kernels(bool bf16);
/// Null where the processor or the build has no AVX-512 (with products of bf16, if these are asked for).
const ScoreKernels<float>* avx512_score_kernels(bool bf16);
/// The fastest of this machine.
const ScoreKernels<float>& score_kernels(bool bf16);

}  // namespace dime::detail
