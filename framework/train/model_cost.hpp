// SPDX-License-Identifier: Apache-2.0
// What a model costs: arithmetic and memory, measured by running it on blank rows.
//
// Arithmetic is counted as torch.utils.flop_counter counts it: two operations for each multiply-add of matrix products,
// convolutions and attention (all of a causal one's scores); everything else counts as nothing. Memory is that of the
// tensors which LibTorch's operators make; parameters, buffers and inputs are none of them. Both hold for any plugin,
// as nothing is asked of the model but its forward.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <dime/model.hpp>

#include "train/encode.hpp"
#include "train/plan.hpp"

namespace dime {

/// One tower's forward.
struct TowerCost {
  std::int64_t flops = 0;        ///< of one row
  std::int64_t row_bytes = 0;    ///< with gradient: kept for backward; without: the most at one time; for each row
  std::int64_t fixed_bytes = 0;  ///< the same, whatever the number of rows (weights cast to bf16)
  bool trained = false;          ///< whether a gradient comes through it

  std::int64_t bytes(std::int64_t rows) const { return fixed_bytes + rows * row_bytes; }
};

/// Counts `forward(input(rows))`, whose result holds what must live until backward, for one row and for two; for two
/// and three where one throws (of one value there are no batch statistics); for one alone where that took longer than
/// `patience_s` seconds: all its memory is then that of the row.
TowerCost measure(const std::function<torch::Tensor(std::int64_t rows)>& input,
                  const std::function<torch::Tensor(const torch::Tensor& input)>& forward, double patience_s = 5);

struct ModelCost {
  std::int64_t parameters = 0;
  std::int64_t trained = 0;           ///< of these
  std::int64_t image_parameters = 0;  ///< of these: named `visual.…`
  std::int64_t state_bytes = 0;       ///< weights and buffers; and gradients and AdamW's two moments of what is trained
  std::optional<TowerCost> image;     ///< absent: no such tower
  std::optional<TowerCost> text;
};

/// Runs each tower of `model`, which must be on the CPU, on blank rows: as training runs a student (`trained`), with
/// the precision, taps and checkpointing that it has there, or as it runs the teacher. fp16 is measured as bf16, which
/// has the same size. Texts are as long as the context. Buffers, mode and random generators are as before afterwards.
/// `name` ("models.student") stands in messages. Throws ArgumentError for what a tower throws.
ModelCost model_cost(const std::string& name, const std::shared_ptr<Model>& model, bool trained, EncodeOptions options);

/// One forward of a step: of which tower, and of how many rows in all processes together.
struct TowerRows {
  bool image = true;
  std::int64_t rows = 0;
};
std::vector<TowerRows> student_forwards(const Experiment& e, const Plan& plan);
std::vector<TowerRows> teacher_forwards(const Experiment& e, const Plan& plan);

/// Arithmetic of these forwards in one step: three times a forward's where a gradient comes through (backward takes
/// about two), and once more where micro-batches run it twice.
std::int64_t step_flops(const ModelCost& cost, const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size);
/// The activations that lie in memory together in one step of one process: those of all trained forwards, of which one
/// that is cut into micro-batches holds one at a time; or of the largest forward where none is trained.
std::int64_t step_bytes(const ModelCost& cost, const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size);

}  // namespace dime
