// SPDX-License-Identifier: Apache-2.0
#include "train/model_cost.hpp"

#include <algorithm>
#include <chrono>

#include <dime/error.hpp>

#include "ops/generator_state.hpp"
#include "train/freeze.hpp"
#include "train/op_watch.hpp"
#include "train/weights.hpp"

namespace dime {
namespace {

using Input = std::function<torch::Tensor(std::int64_t rows)>;
using Forward = std::function<torch::Tensor(const torch::Tensor& input)>;

/// The model's buffers, mode and random numbers, put back at the end.
class Untouched {
 public:
  explicit Untouched(Model& model) : model_(model), training_(model.is_training()), generators_(at::kCPU) {
    for (const auto& buffer : model.buffers()) buffers_.emplace_back(buffer, buffer.clone());
  }
  ~Untouched() {
    const torch::NoGradGuard guard;
    for (auto& [buffer, before] : buffers_) buffer.copy_(before);
    set_training(model_, training_);
    generators_.set();
  }
  Untouched(const Untouched&) = delete;
  Untouched& operator=(const Untouched&) = delete;

 private:
  Model& model_;
  bool training_;
  GeneratorState generators_;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> buffers_;
};

/// Black images; texts of a start, nothing, and an end at the last position: the longest there are.
torch::Tensor blank_rows(const ModelSpec& spec, bool image, std::int64_t rows) {
  if (image) return torch::zeros({rows, 3, spec.image->size, spec.image->size});
  auto tokens = torch::zeros({rows, spec.text->context}, torch::kLong);
  tokens.select(1, 0).fill_(std::max<std::int64_t>(0, spec.text->vocabulary - 2));
  tokens.select(1, spec.text->context - 1).fill_(spec.text->vocabulary - 1);
  return tokens;
}

/// What one forward of `rows` rows took.
struct Pass {
  OpCounts counts;
  bool trained = false;
  double seconds = 0;
  std::int64_t bytes() const { return trained ? counts.kept_bytes : counts.peak_bytes; }
};

Pass pass(const Input& input, const Forward& forward, std::int64_t rows) {
  Pass result;
  const torch::Tensor blank = input(rows);
  torch::Tensor output;  // holds the graph
  const auto start = std::chrono::steady_clock::now();
  result.counts = watch_ops([&] { output = forward(blank); });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.trained = output.defined() && output.requires_grad();
  return result;
}

const std::optional<TowerCost>& tower_of(const ModelCost& cost, bool image) { return image ? cost.image : cost.text; }

std::int64_t batch_of(const std::optional<StreamOptions>& stream) { return stream ? stream->batch_size : 0; }

}  // namespace

TowerCost measure(const Input& input, const Forward& forward, double patience_s) {
  std::int64_t rows = 1;
  Pass few;
  try {
    few = pass(input, forward, rows);
  } catch (const std::exception&) {
    few = pass(input, forward, ++rows);
  }
  TowerCost cost{few.counts.flops / rows, few.bytes() / rows, 0, few.trained};
  if (few.seconds > patience_s) return cost;
  const Pass more = pass(input, forward, rows + 1);
  // The first forward may have filled what the model keeps for all later ones.
  few = pass(input, forward, rows);
  cost.flops = more.counts.flops - few.counts.flops;
  cost.row_bytes = std::max<std::int64_t>(0, more.bytes() - few.bytes());
  cost.fixed_bytes = std::max<std::int64_t>(0, few.bytes() - rows * cost.row_bytes);
  return cost;
}

ModelCost model_cost(const std::string& name, const std::shared_ptr<Model>& model, bool trained,
                     EncodeOptions options) {
  if (options.precision == Precision::fp16) options.precision = Precision::bf16;
  options.micro_batch_size = 0;
  const Untouched untouched(*model);
  set_training(*model, trained);
  const ModelSpec spec = model->spec();
  const auto cost_of = [&](bool image) {
    EncodeOptions of_tower = options;
    if (!image || !trained) of_tower.taps.clear();
    const auto encode = tower_encode(name, model, image);
    std::optional<TowerForward> forward;  // holds the taps too
    return measure([&](std::int64_t rows) { return blank_rows(spec, image, rows); },
                   [&](const torch::Tensor& input) {
                     if (!trained) return encode_frozen(encode, input, of_tower);
                     forward.reset();
                     return forward.emplace(encode, input, of_tower, 0).output();
                   });
  };
  ModelCost cost;
  cost.parameters = count_parameters(*model);
  cost.image_parameters = count_parameters(*model, "visual.");
  for (const auto& [key, tensor] : named_tensors(*model))
    cost.state_bytes += static_cast<std::int64_t>(tensor.nbytes());
  for (const auto& p : model->parameters()) {
    if (!trained || !p.requires_grad()) continue;
    cost.trained += p.numel();
    cost.state_bytes += 3 * static_cast<std::int64_t>(p.nbytes());
  }
  if (spec.image) cost.image = cost_of(true);
  if (spec.text) cost.text = cost_of(false);
  return cost;
}

std::vector<TowerRows> student_forwards(const Experiment& e, const Plan& plan) {
  std::vector<TowerRows> all;
  if (plan.images.pixels) all.push_back({true, batch_of(e.data.images)});
  if (plan.pairs.pixels) all.push_back({true, batch_of(e.data.pairs)});
  if (plan.student_text && plan.texts.tokens) all.push_back({false, batch_of(e.data.texts)});
  if (plan.student_text && plan.pairs.tokens) all.push_back({false, batch_of(e.data.pairs)});
  return all;
}

std::vector<TowerRows> teacher_forwards(const Experiment& e, const Plan& plan) {
  std::vector<TowerRows> all;
  if (!plan.teacher_runs) return all;
  if (plan.images.pixels && !plan.images.vectors) all.push_back({true, batch_of(e.data.images)});
  if (plan.pairs.pixels && !plan.pairs.vectors) all.push_back({true, batch_of(e.data.pairs)});
  if (plan.texts.tokens && !plan.texts.vectors) all.push_back({false, batch_of(e.data.texts)});
  if (plan.pairs.tokens) all.push_back({false, batch_of(e.data.pairs)});
  return all;
}

std::int64_t step_flops(const ModelCost& cost, const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size) {
  std::int64_t flops = 0;
  for (const auto& forward : forwards) {
    const auto& tower = tower_of(cost, forward.image);
    if (!tower) continue;
    const bool twice = micro_batch_size > 0 && micro_batch_size < forward.rows;
    flops += tower->flops * forward.rows * (tower->trained ? (twice ? 4 : 3) : 1);
  }
  return flops;
}

std::int64_t step_bytes(const ModelCost& cost, const std::vector<TowerRows>& forwards, std::int64_t micro_batch_size) {
  std::int64_t together = 0, alone = 0;
  for (const auto& forward : forwards) {
    const auto& tower = tower_of(cost, forward.image);
    if (!tower) continue;
    const bool parts = micro_batch_size > 0 && micro_batch_size < forward.rows;
    const std::int64_t bytes = tower->bytes(parts ? micro_batch_size : forward.rows);
    if (tower->trained && !parts) {
      together += bytes;
    } else {
      alone = std::max(alone, bytes);
    }
  }
  return together + alone;
}

}  // namespace dime
