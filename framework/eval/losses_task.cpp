// SPDX-License-Identifier: Apache-2.0
#include "eval/losses_task.hpp"

#include <dime/error.hpp>

#include "eval/tasks.hpp"

namespace dime {
namespace {

/// The task's streams over the training's; those of the task read in order.
LoadedExperiment with_streams(const LoadedExperiment& loaded, const EvaluateEntry& task) {
  Problems problems;
  DataOptions held;
  read_streams(task, held, problems);
  LoadedExperiment copy = loaded;
  DataOptions& data = copy.experiment.data;
  const auto take = [&](const char* name, std::optional<StreamOptions>& from, std::optional<StreamOptions>& into) {
    if (!from) return;
    const bool own_size = task.data.find(name)->find("batch_size") != nullptr;
    if (!own_size && into) from->batch_size = into->batch_size;
    if (from->transform.empty() && into) from->transform = into->transform;
    from->shuffle = false;
    into = from;
  };
  take("images", held.images, data.images);
  take("texts", held.texts, data.texts);
  take("pairs", held.pairs, data.pairs);
  problems.raise();
  if (!held.images && !held.texts && !held.pairs) {
    throw ConfigError("a losses task needs held-out streams: give data.images, data.texts or data.pairs");
  }
  return copy;
}

/// Projectors and the like are no part of the student: made anew here, they would be random.
void refuse_weights(const std::vector<ActiveLoss>& losses) {
  for (const auto& active : losses) {
    const auto weights = active.loss->named_parameters();
    if (weights.is_empty()) continue;
    throw ConfigError("a losses task cannot measure losses." + active.name + ": it has weights of its own (" +
                      weights[0].key() + "), which are not the student's");
  }
}

}  // namespace

nlohmann::ordered_json held_out_losses(const LoadedExperiment& loaded, const EvaluateEntry& task,
                                       const std::shared_ptr<Model>& student, const torch::Device& device) {
  const LoadedExperiment held = with_streams(loaded, task);
  WorldOfOne comm;
  RunModels models{device, student, nullptr};
  if (held.experiment.models.teacher && teacher_needed(held.experiment)) {
    models.teacher = make_frozen_model(*held.experiment.models.teacher, *held.plugins, held.experiment.seed + 1, device,
                                       "models.teacher");
  }
  const Plan plan = checked_plan(held, models);
  const InputContext context = input_context(held, plan.texts.tokens || plan.pairs.tokens, comm);
  Streams streams = build_streams(held, plan, models, context);
  const auto losses = build_losses(held, plan, models, stored_width(streams));
  refuse_weights(losses);
  EncodeOptions options = encode_options(held.experiment, plan, device);
  Encoder encoder(student, models.teacher, plan.student_text, options);

  const torch::NoGradGuard guard;
  const bool training = student->is_training();
  student->eval();
  std::map<std::string, double> sums;
  const auto batches = static_cast<std::int64_t>(streams.main().plan().batches_per_epoch());
  for (std::int64_t i = 0; i < batches; ++i) {
    const Batch batch = next_batch(streams);
    const auto encoded = encoder.encode(batch, i);
    for (const auto& [name, value] : evaluate_losses(losses, encoded.streams, encoded.pairs)) {
      sums[name] += value.item<double>() / static_cast<double>(batches);
    }
  }
  student->train(training);
  nlohmann::ordered_json json;
  double total = 0;
  for (const auto& active : losses) {
    json["losses"][active.name] = sums[active.name];
    total += active.weight.to * sums[active.name];
  }
  json["loss"] = total;
  json["samples"] = batches * streams.main().plan().batch_size();
  return json;
}

}  // namespace dime
