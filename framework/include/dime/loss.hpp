// SPDX-License-Identifier: Apache-2.0
// What a loss sees and owes.
//
// `forward` is written as for one process: its tensors hold the *global* batch, fp32, with autocast off. The contract:
// the mean over processes of what `forward` returns is the loss, and the mean over processes of its parameter gradients
// is the gradient.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <dime/api.hpp>
#include <dime/comm.hpp>
#include <dime/error.hpp>
#include <dime/plugin.hpp>
#include <dime/schema.hpp>
#include <dime/score_kl.hpp>

namespace dime {

/// One model's vectors of the batch; an undefined tensor stands for what the experiment does not give.
struct Encodings {
  torch::Tensor image;                        ///< [B, d] fp32, not normalised
  torch::Tensor text;                         ///< [N, d] fp32, not normalised; row i belongs to image i only in pairs
  torch::Tensor logit_scale;                  ///< a scalar, exponentiated; undefined when the model has none
  std::map<std::string, torch::Tensor> taps;  ///< what the loss's needs named
};

/// Everything a loss sees in one step.
struct LossInput {
  Encodings teacher;   ///< without gradient
  Encodings student;   ///< `text` is the teacher's when the student has no text tower
  bool pairs = false;  ///< row i of image and text belong together
  std::int64_t step = 0;
  RowRange rows;                 ///< the global rows of this process
  Communicator* comm = nullptr;  ///< for losses that declare Rows::own
  ScoreWork* scores = nullptr;   ///< score terms that the losses of this step compute together; may be null
};

/// Whether a loss sees the whole global batch or this process's own rows of the student.
enum class Rows { global, own };

/// What a loss must be given; checked before the run.
struct Needs {
  bool teacher_image = false;
  bool teacher_text = false;
  bool student_text = false;  ///< a text tower of the student's own
  bool pairs = false;
  std::set<std::string> taps;  ///< of the student's image tower
  Rows rows = Rows::global;
};

/// Known before the optimiser is made.
struct Shapes {
  std::int64_t student_dim = 0;
  std::int64_t teacher_dim = 0;                           ///< 0 without a teacher
  bool student_text = false;                              ///< the student has a text tower of its own
  std::map<std::string, std::vector<std::int64_t>> taps;  ///< shape of each tap for one row
};

/// A loss. It may own parameters: they are optimised, reduced and checkpointed like any other.
class DIME_API Loss : public torch::nn::Module {
 public:
  ~Loss() override;
  /// A scalar. See the contract at the head of this file.
  virtual torch::Tensor forward(const LossInput& in) = 0;
  /// Called once, before the optimiser is made: projectors are made here.
  virtual void build(const Shapes& shapes);
};

/// A loss that is a sum of score_kl's terms. Those of one step are computed together, and share what they have in
/// common, without knowing of each other. Declares Rows::own.
class DIME_API ScoreLoss : public Loss {
 public:
  /// `options.comm` is not used: it is the step's.
  explicit ScoreLoss(ScoreKlOptions options) : options_(options) {}
  /// The terms whose sum the loss is. Throws ArgumentError when a side that they need is missing.
  virtual std::vector<ScoreTerm> terms(const LossInput& in) const = 0;
  /// Tells `in.scores`, if there is one, what `forward` will ask it for.
  void announce(const LossInput& in) const;
  /// The sum of the terms' values.
  torch::Tensor forward(const LossInput& in) override;

 private:
  ScoreKlOptions options_of(const LossInput& in) const;

  ScoreKlOptions options_;
};

/// The options of a loss on score matrices.
struct ScoreOptions {
  double scale = 100.0;
  double temperature = 1.0;
  std::string products = "fp32";
  std::string form = "auto";
};

/// What the options `products` (fp32, bf16) and `form` (auto, direct, tiled) say.
DIME_API ScoreKlOptions score_kl_options(const std::string& products, const std::string& form);

/// Their schema: `scale` (s, > 0), `temperature` (t, > 0), `products` and `form`. `help` is the loss's own manual text.
DIME_API Schema<ScoreOptions> score_schema(std::string help);

/// Throws ConfigError "[loss/`loss`] …" when teacher and student vectors have other widths. For losses that score the
/// student's vectors against the teacher's; without a teacher there is nothing to compare.
DIME_API void need_equal_widths(const Shapes& shapes, const std::string& loss);

/// `x` if it is given; else throws ArgumentError "[loss/`loss`] needs `what`". For losses that need a side.
DIME_API const torch::Tensor& need(const torch::Tensor& x, const std::string& loss, const std::string& what);

/// One side of the batch as score_kl takes it, with the name that messages give it. Throw ArgumentError "[loss/`loss`]
/// needs ..." where it is missing.
DIME_API ScoreVectors student_images(const LossInput& in, const std::string& loss);
DIME_API ScoreVectors student_texts(const LossInput& in, const std::string& loss);
DIME_API ScoreVectors teacher_images(const LossInput& in, const std::string& loss);
DIME_API ScoreVectors teacher_texts(const LossInput& in, const std::string& loss);

/// scale * normalise(a) normalise(b)': scores of a's rows [B, d] against b's [N, d] -> [B, N].
/// Rows are divided by their L2 norm in the type of `a`, without an epsilon. Throws ArgumentError for a missing side,
/// for widths that differ, and for a row of zeros; the last on the CPU only (a GPU would have to wait for the answer):
/// elsewhere such a row gives NaN.
DIME_API torch::Tensor scores(const torch::Tensor& a, const torch::Tensor& b, double scale = 100.0);

/// The mean over rows of KL(softmax(teacher / t) || softmax(student / t)), with no t^2 factor (DIME-FM). Both are [B,
/// N] score matrices; the gradient flows to both. Returns a scalar.
DIME_API torch::Tensor score_kl(const torch::Tensor& teacher, const torch::Tensor& student, double temperature = 1.0);

}  // namespace dime

/// Exports class T (constructed from its Options, with `static Schema<Options> schema()`) as loss `name`.
#define DIME_LOSS(name, T) DIME_EXPORT_PLUGIN(loss, name, T)
