// SPDX-License-Identifier: Apache-2.0
#include "eval/zero_shot.hpp"

#include <chrono>

#include <ATen/ops/linalg_vector_norm.h>
#include <dime/error.hpp>

#include "eval/evaluation_mode.hpp"

namespace dime {
namespace {

constexpr std::int64_t kTextPart = 256;

/// The rows of `x` of length 1. Throws TrainError where that is no number: `what` names the vectors.
torch::Tensor normalised(const torch::Tensor& x, const char* what) {
  auto unit = x / x.norm(2, -1, /*keepdim=*/true);
  if (!unit.isfinite().all().item<bool>()) throw TrainError(std::string(what) + " are not finite, or all zeros");
  return unit;
}

double mean_recall(const torch::Tensor& hits, const torch::Tensor& counts) {
  const auto present = counts > 0;
  return (hits.masked_select(present) / counts.masked_select(present)).mean().item<double>();
}

void check_labels(const StreamBatch& batch, std::int64_t classes) {
  const auto* labels = batch.labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < batch.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < classes) continue;
    throw DataError("row " + batch.keys[static_cast<std::size_t>(i)] + ": its label " + std::to_string(labels[i]) +
                    " is not one of the " + std::to_string(classes) + " classes");
  }
}

}  // namespace

nlohmann::ordered_json ZeroShotScore::json() const {
  return {{"accuracy", accuracy},
          {"mean_per_class", mean_per_class},
          {"samples", samples},
          {"images_per_second", images_per_second}};
}

torch::Tensor class_weights(Model& text, const ClassPrompts& prompts, const Tokenizer& tokenizer,
                            const EncodeOptions& options) {
  const torch::NoGradGuard guard;
  const EvaluationMode evaluation(text);
  const std::int64_t context = text.spec().text->context;
  const auto per_class = static_cast<std::int64_t>(prompts.templates.size());
  const auto classes = static_cast<std::int64_t>(prompts.names.size());
  auto tokens = torch::empty({classes * per_class, context}, torch::kInt64);
  std::int64_t row = 0;
  for (std::size_t c = 0; c < prompts.names.size(); ++c) {
    for (const auto& sentence : prompts.sentences(c)) {
      tokenizer.encode_padded(sentence, context, tokens.data_ptr<std::int64_t>() + context * row++);
    }
  }
  EncodeOptions parts = options;
  parts.micro_batch_size = kTextPart;
  const auto vectors =
      encode_frozen([&](const torch::Tensor& x, ForwardContext& forward) { return text.encode_text(x, forward); },
                    tokens.to(options.device), parts);
  constexpr auto kWhat = "the text model's vectors of the classes";
  return normalised(normalised(vectors, kWhat).view({classes, per_class, -1}).mean(1), kWhat);
}

ZeroShotScore zero_shot(Model& image, const torch::Tensor& weights, Reader& reader, const EncodeOptions& options) {
  const torch::NoGradGuard guard;
  const std::int64_t classes = weights.size(0);
  const EvaluationMode evaluation(image);
  auto hits = torch::zeros({classes}, torch::kFloat64);
  auto counts = torch::zeros({classes}, torch::kFloat64);
  const auto start = std::chrono::steady_clock::now();
  for (StreamBatch batch; reader.next(batch);) {
    check_labels(batch, classes);
    const auto vectors =
        encode_frozen([&](const torch::Tensor& x, ForwardContext& forward) { return image.encode_image(x, forward); },
                      batch.pixels.to(options.device), options);
    const auto best = normalised(vectors, "the model's vectors of the images").matmul(weights.t()).argmax(1).cpu();
    const auto right = best.eq(batch.labels).to(torch::kFloat64);
    hits.index_add_(0, batch.labels, right);
    counts.index_add_(0, batch.labels, torch::ones_like(right));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ZeroShotScore score;
  score.samples = static_cast<std::int64_t>(counts.sum().item<double>());
  score.accuracy = hits.sum().item<double>() / static_cast<double>(score.samples);
  score.mean_per_class = mean_recall(hits, counts);
  score.images_per_second = static_cast<double>(score.samples) / seconds.count();
  return score;
}

}  // namespace dime
