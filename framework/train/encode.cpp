// SPDX-License-Identifier: Apache-2.0
#include "train/encode.hpp"

#include <torch/autograd.h>

#include "train/plugin_call.hpp"

namespace dime {
namespace {

std::int64_t part_size(const EncodeOptions& options, std::int64_t rows) {
  return options.micro_batch_size > 0 ? std::min(options.micro_batch_size, rows) : rows;
}

/// What a tower of `model` gives for `input`, held against what its spec promises.
torch::Tensor call_tower(const std::string& name, Model& model, bool image, const torch::Tensor& input,
                         ForwardContext& context) {
  return plugin_call(name, [&] {
    auto vectors = image ? model.encode_image(input, context) : model.encode_text(input, context);
    const std::vector<std::int64_t> want{input.size(0), model.spec().embed_dim};
    if (!vectors.defined() || vectors.sizes() != want || !vectors.is_floating_point()) {
      throw ArgumentError((image ? "encode_image" : "encode_text") + std::string(" must give floats of shape ") +
                          c10::str(at::IntArrayRef(want)) + ", not " +
                          (vectors.defined() ? vectors.toString() + c10::str(vectors.sizes()) : "nothing"));
    }
    return vectors;
  });
}

torch::Tensor to_device(const torch::Tensor& x, const torch::Device& device) {
  return x.to(device, /*non_blocking=*/true);
}

}  // namespace

TowerForward::Encode tower_encode(const std::string& name, const std::shared_ptr<Model>& model, bool image) {
  return [=](const torch::Tensor& x, ForwardContext& c) { return call_tower(name, *model, image, x, c); };
}

TowerForward::TowerForward(Encode encode, torch::Tensor input, const EncodeOptions& options, std::int64_t step)
    : encode_(std::move(encode)),
      input_(std::move(input)),
      options_(options),
      step_(step),
      cached_(part_size(options, input_.size(0)) < input_.size(0)),
      tap_names_(options.taps.begin(), options.taps.end()) {
  const std::int64_t rows = input_.size(0);
  if (!cached_) {
    outputs_ = run(0, rows);
    return;
  }
  const torch::NoGradGuard guard;
  const std::int64_t part = part_size(options_, rows);
  std::vector<std::vector<torch::Tensor>> parts;
  for (std::int64_t first = 0; first < rows; first += part) {
    generators_.emplace_back(options_.device);
    const auto outputs = run(first, std::min(part, rows - first));
    parts.resize(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) parts[i].push_back(outputs[i]);
  }
  for (const auto& p : parts) outputs_.push_back(torch::cat(p).detach().requires_grad_(true));
}

std::vector<torch::Tensor> TowerForward::run(std::int64_t first, std::int64_t count) {
  ForwardContext context;
  context.wanted_taps = options_.taps;
  context.training = options_.training;
  context.seed = options_.seed;
  context.step = static_cast<std::uint64_t>(step_);
  context.first_row = options_.first_row + first;
  const AutocastGuard autocast(options_.precision, options_.device);
  std::vector<torch::Tensor> outputs{encode_(input_.narrow(0, first, count), context).to(torch::kFloat32)};
  for (const auto& name : tap_names_) {
    const auto tap = context.taps.find(name);
    if (tap == context.taps.end()) throw ConfigError("the student has no tap \"" + name + "\"");
    outputs.push_back(tap->second.to(torch::kFloat32));
  }
  return outputs;
}

std::map<std::string, torch::Tensor> TowerForward::taps() const {
  std::map<std::string, torch::Tensor> all;
  for (std::size_t i = 0; i < tap_names_.size(); ++i) all[tap_names_[i]] = outputs_[i + 1];
  return all;
}

void TowerForward::backward() {
  if (!cached_) return;
  const std::int64_t rows = input_.size(0);
  const std::int64_t part = part_size(options_, rows);
  GeneratorState now(options_.device);
  for (std::int64_t first = 0; first < rows; first += part) {
    const std::int64_t count = std::min(part, rows - first);
    std::vector<torch::Tensor> outputs, gradients;
    generators_[static_cast<std::size_t>(first / part)].set();
    const auto again = run(first, count);
    for (std::size_t i = 0; i < again.size(); ++i) {
      if (!outputs_[i].grad().defined() || !again[i].requires_grad()) continue;
      outputs.push_back(again[i]);
      gradients.push_back(outputs_[i].grad().narrow(0, first, count));
    }
    if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
  }
  now.set();
}

Encoder::Encoder(std::shared_ptr<Model> student, std::shared_ptr<Model> teacher, bool student_text,
                 EncodeOptions options)
    : student_(std::move(student)),
      teacher_(std::move(teacher)),
      student_text_(student_text),
      options_(std::move(options)) {}

Encoder::Result Encoder::encode(const Batch& batch, std::int64_t step) {
  Result result;
  encode_stream(batch.images, batch.texts, false, step, result.streams, result.towers);
  encode_stream(batch.pairs, batch.pairs, true, step, result.pairs, result.towers);
  return result;
}

void Encoder::encode_stream(const StreamBatch& images, const StreamBatch& texts, bool pairs, std::int64_t step,
                            LossInput& out, std::vector<TowerForward>& towers) {
  out.pairs = pairs;
  out.step = step;
  out.rows = {0, images.size(), images.size()};
  out.comm = options_.comm;
  out.teacher.image = teacher_image(images);
  // The pairs' stored vectors, if any, are those of their images.
  out.teacher.text = teacher_text(texts, pairs ? torch::Tensor{} : texts.vectors);
  if (student_ == nullptr) return;
  if (images.pixels.defined()) {
    const auto& forward = towers.emplace_back(tower_encode("models.student", student_, true),
                                              to_device(images.pixels, options_.device), options_, step);
    out.student.image = forward.output();
    out.student.taps = forward.taps();
  }
  out.student.text = out.teacher.text;
  if (student_text_ && texts.tokens.defined()) {
    EncodeOptions text = options_;
    text.taps.clear();
    out.student.text = towers
                           .emplace_back(tower_encode("models.student", student_, false),
                                         to_device(texts.tokens, options_.device), text, step)
                           .output();
  }
  out.student.logit_scale = student_->logit_scale();
}

torch::Tensor Encoder::teacher_image(const StreamBatch& images) {
  if (images.vectors.defined()) return to_device(images.vectors, options_.device);
  if (teacher_ == nullptr || !images.pixels.defined()) return {};
  return encode_frozen(tower_encode("models.teacher", teacher_, true), to_device(images.pixels, options_.device),
                       options_);
}

torch::Tensor Encoder::teacher_text(const StreamBatch& texts, const torch::Tensor& stored) {
  if (stored.defined()) return to_device(stored, options_.device);
  if (teacher_ == nullptr || !texts.tokens.defined()) return {};
  return encode_frozen(tower_encode("models.teacher", teacher_, false), to_device(texts.tokens, options_.device),
                       options_);
}

torch::Tensor encode_frozen(const TowerForward::Encode& encode, const torch::Tensor& input,
                            const EncodeOptions& options) {
  const torch::NoGradGuard guard;
  const AutocastGuard autocast(options.precision, options.device);
  std::vector<torch::Tensor> parts;
  const std::int64_t rows = input.size(0);
  const std::int64_t part = part_size(options, rows);
  for (std::int64_t first = 0; first < rows; first += part) {
    ForwardContext context;
    parts.push_back(encode(input.narrow(0, first, std::min(part, rows - first)), context).to(torch::kFloat32));
  }
  return parts.size() == 1 ? parts.front() : torch::cat(parts);
}

}  // namespace dime
