// SPDX-License-Identifier: Apache-2.0
#include "eval/losses_task.hpp"

#include <cmath>

#include <dime/error.hpp>

#include "data/transform.hpp"
#include "eval/evaluation_mode.hpp"
#include "eval/task_error.hpp"

namespace dime {
namespace {

/// The task's streams over the training's; those of the task read in order, without the training's augmentation.
LoadedExperiment with_streams(const LoadedExperiment& loaded, const EvaluateEntry& task, const Model& student) {
  Problems problems;
  DataOptions held;
  read_streams(task, held, problems);
  LoadedExperiment copy = loaded;
  DataOptions& data = copy.experiment.data;
  const auto take = [&](const char* name, std::optional<StreamOptions>& from, std::optional<StreamOptions>& into) {
    if (!from) return;
    const bool stated = task.batch_size || task.data.find(name)->find("batch_size") != nullptr;
    if (!stated && into) from->batch_size = into->batch_size;
    const auto image = student.spec().image;
    if (from->transform.empty() && image) from->transform = TransformList::evaluation_steps(*image);
    from->shuffle = false;
    from->locality.reset();
    into = from;
  };
  take("images", held.images, data.images);
  take("texts", held.texts, data.texts);
  take("pairs", held.pairs, data.pairs);
  problems.raise();
  if (!held.images && !held.texts && !held.pairs) {
    throw TaskError("a losses task needs held-out streams: give data.images, data.texts or data.pairs");
  }
  return copy;
}

/// Projectors and the like are no part of the student: made anew here, they would be random.
void refuse_weights(const std::vector<ActiveLoss>& losses) {
  for (const auto& active : losses) {
    const auto weights = active.loss->named_parameters();
    if (weights.is_empty()) continue;
    throw TaskError("a losses task cannot measure losses." + active.name + ": it has weights of its own (" +
                    weights[0].key() + "), which are not the student's");
  }
}

/// Everything that the task measures with.
struct HeldOut {
  HeldOut(const LoadedExperiment& training, const EvaluateEntry& task, std::shared_ptr<Model> student,
          const torch::Device& device, Weights weights)
      : loaded(with_streams(training, task, *student)), models{device, std::move(student), nullptr} {
    const Experiment& e = loaded.experiment;
    if (e.models.teacher && teacher_needed(e)) {
      models.teacher =
          make_frozen_model(*e.models.teacher, *loaded.plugins, e.seed + 1, device, "models.teacher", weights);
      if (!has_weights(*e.models.teacher, *models.teacher) && !teacher_needed(training.experiment)) {
        throw TaskError("a losses task encodes with models.teacher, which has no init: its weights would be random");
      }
    }
    plan = checked_plan(loaded, models);
    streams = build_streams(loaded, plan, models, input_context(loaded, plan.tokenizer, comm));
    losses = build_losses(loaded, plan, models, stored_widths(streams));
    refuse_weights(losses);
  }

  LoadedExperiment loaded;
  RunModels models;
  WorldOfOne comm;
  Plan plan;
  Streams streams;
  std::vector<ActiveLoss> losses;
};

void refuse_broken(const Batch& batch) {
  for (const auto* part : {&batch.images, &batch.texts, &batch.pairs}) {
    if (part->broken.empty()) continue;
    throw DataError("data." + part->broken.front().stream +
                    " of a losses task has a broken row: " + part->broken.front().reason);
  }
}

}  // namespace

void check_held_out_losses(const LoadedExperiment& loaded, const EvaluateEntry& task,
                           const std::shared_ptr<Model>& student) {
  const HeldOut held(loaded, task, student, torch::kCPU, Weights::only_checked);
}

nlohmann::ordered_json held_out_losses(const LoadedExperiment& loaded, const EvaluateEntry& task,
                                       const std::shared_ptr<Model>& student, const torch::Device& device) {
  HeldOut held(loaded, task, student, device, Weights::ready);
  EncodeOptions options = encode_options(held.loaded.experiment, held.plan, device, held.comm);
  options.training = false;
  Encoder encoder(student, held.models.teacher, held.plan.student_text, options);

  const torch::NoGradGuard guard;
  const EvaluationMode evaluation(*student);
  std::map<std::string, double> sums;
  const BatchPlan& batches = held.streams.main().plan();
  // With `last: wrap` the last batch is filled from the first rows.
  const auto count = static_cast<std::int64_t>(std::ceil(batches.batches_per_epoch()));
  for (std::int64_t i = 0; i < count; ++i) {
    const Batch batch = next_batch(held.streams);
    refuse_broken(batch);
    const auto encoded = encoder.encode(batch, i);
    for (const auto& [name, value] : evaluate_losses(held.losses, encoded.streams, encoded.pairs)) {
      sums[name] += value.item<double>() / static_cast<double>(count);
    }
  }
  nlohmann::ordered_json json;
  double total = 0;
  for (const auto& active : held.losses) {
    if (!std::isfinite(sums[active.name])) throw TrainError("losses." + active.name + " is not finite");
    json["losses"][active.name] = sums[active.name];
    total += active.weight.to * sums[active.name];
  }
  json["loss"] = total;
  json["samples"] = count * batches.batch_size();
  return json;
}

}  // namespace dime
