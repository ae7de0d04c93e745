// SPDX-License-Identifier: Apache-2.0
// From a batch to what the losses see: the student with gradient, the teacher without.
//
// With micro-batches the student runs twice (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under
// Memory Limited Setup"): once without a graph for the vectors of the whole batch, and, when the losses have given the
// gradient of these vectors, again part by part with one. The result is that of the whole batch at once.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <dime/loss.hpp>
#include <dime/model.hpp>

#include "data/batch.hpp"
#include "ops/generator_state.hpp"
#include "train/precision.hpp"

namespace dime {

/// What all forwards of one step share.
struct EncodeOptions {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::fp32;
  std::int64_t micro_batch_size = 0;  ///< 0: the whole part at once
  std::set<std::string> taps;         ///< of the student's image tower
  std::uint64_t seed = 0;
  std::int64_t first_row = 0;
  Communicator* comm = nullptr;  ///< for losses that ask for it
  bool training = true;          ///< false: the student draws no drop path
};

/// One tower's forward over one tensor of inputs, in micro-batches where asked.
class TowerForward {
 public:
  using Encode = std::function<torch::Tensor(const torch::Tensor& input, ForwardContext& context)>;

  TowerForward(Encode encode, torch::Tensor input, const EncodeOptions& options, std::int64_t step);
  /// [rows, d] fp32, ready for the losses. Random numbers that the model draws from LibTorch's generators are the same
  /// in both passes.
  const torch::Tensor& output() const { return outputs_.front(); }
  std::map<std::string, torch::Tensor> taps() const;
  /// After the losses' backward: carries the gradient of the outputs into the parameters. A no-op without
  /// micro-batches.
  void backward();

 private:
  std::vector<torch::Tensor> run(std::int64_t first, std::int64_t count);

  Encode encode_;
  torch::Tensor input_;
  EncodeOptions options_;
  std::int64_t step_;
  bool cached_;
  std::vector<std::string> tap_names_;
  std::vector<torch::Tensor> outputs_;
  std::vector<GeneratorState> generators_;  ///< before each part's first pass
};

/// A tower of `model`. What it throws, and vectors of another shape than its spec promises, are ArgumentErrors that
/// begin with `name` ("models.student").
TowerForward::Encode tower_encode(const std::string& name, const std::shared_ptr<Model>& model, bool image);

/// A step's encodings of the streams and of the pairs, and the way back.
class Encoder {
 public:
  /// `teacher` may be null. `student_text` is true when the student encodes text with a tower of its own.
  Encoder(std::shared_ptr<Model> student, std::shared_ptr<Model> teacher, bool student_text, EncodeOptions options);

  struct Result {
    LossInput streams;
    LossInput pairs;
    std::vector<TowerForward> towers;
  };
  Result encode(const Batch& batch, std::int64_t step);

 private:
  void encode_stream(const StreamBatch& images, const StreamBatch& texts, bool pairs, std::int64_t step, LossInput& out,
                     std::vector<TowerForward>& towers);
  torch::Tensor teacher_image(const StreamBatch& images);
  torch::Tensor teacher_text(const StreamBatch& texts, const torch::Tensor& stored);

  std::shared_ptr<Model> student_;
  std::shared_ptr<Model> teacher_;
  bool student_text_;
  EncodeOptions options_;
};

/// Vectors of `input` [rows, ...] from a frozen tower, fp32, in parts of at most `part` rows (0: at once).
torch::Tensor encode_frozen(const TowerForward::Encode& encode, const torch::Tensor& input,
                            const EncodeOptions& options);

}  // namespace dime
