// SPDX-License-Identifier: Apache-2.0
#include "train/build.hpp"

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dime/error.hpp>
#include <dime/random.hpp>

#include "config/yaml.hpp"
#include "plugin/placed_error.hpp"
#include "train/device.hpp"
#include "train/freeze.hpp"
#include "train/normalisation.hpp"
#include "train/plugin_call.hpp"
#include "train/weights.hpp"

namespace dime {
namespace {

std::int64_t total_steps(const TrainOptions& train, double epoch) {
  if (train.steps) return *train.steps;
  return std::max<std::int64_t>(1, std::llround(train.epochs.value_or(1) * epoch));
}

NamedTensors loss_tensors(const std::vector<ActiveLoss>& losses) {
  NamedTensors all;
  for (const auto& active : losses) {
    for (const auto& [name, tensor] : named_tensors(*active.loss)) all.emplace_back(active.name + "." + name, tensor);
  }
  return all;
}

NamedTensors trained_parameters(const Model& student, const std::vector<ActiveLoss>& losses) {
  NamedTensors all;
  for (const auto& p : student.named_parameters()) all.emplace_back(p.key(), p.value());
  for (const auto& active : losses) {
    for (const auto& p : active.loss->named_parameters()) {
      all.emplace_back("losses." + active.name + "." + p.key(), p.value());
    }
  }
  return all;
}

/// The shape of each tap for one row, from a forward of a blank image.
std::map<std::string, std::vector<std::int64_t>> tap_shapes(Model& student, const Plan& plan,
                                                            const torch::Device& device) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  if (plan.taps.empty()) return shapes;
  const torch::NoGradGuard guard;
  ForwardContext context;
  context.wanted_taps = plan.taps;
  const bool training = student.is_training();
  student.eval();  // a blank image shall not enter statistics of batches
  const std::int64_t side = student.spec().image->size;
  const auto blank = torch::zeros({1, 3, side, side}, torch::TensorOptions().device(device));
  plugin_call("models.student", [&] { return student.encode_image(blank, context); });
  student.train(training);
  for (const auto& [name, tap] : context.taps) shapes[name] = tap.sizes().slice(1).vec();
  return shapes;
}

void check_accumulation(const Experiment& e, const RunModels& models, Problems& problems) {
  if (e.train.micro_batch_size == 0 || models.student == nullptr) return;
  const std::string module = batch_statistics(*models.student);
  if (module.empty()) return;
  problems.add(e.models.student->component.mark,
               "models.student keeps statistics of the batch (" + module +
                   "), which train.micro_batch_size would take of parts and twice: leave it out, or freeze them");
}

/// What one loss is built for.
Shapes shapes_of(const LossEntry& entry, const Needs& needs, const Plan& plan, const RunModels& models,
                 const StoredWidths& stored) {
  const bool pairs = entry.on == "pairs";
  const std::int64_t teacher = models.teacher != nullptr ? models.teacher->spec().embed_dim : 0;
  const auto width = [&](std::int64_t of_stream) { return of_stream > 0 ? of_stream : teacher; };
  const std::int64_t image = width(pairs ? stored.pairs : stored.images);
  const std::int64_t text = width(pairs ? 0 : stored.texts);
  if (needs.teacher_image && needs.teacher_text && image > 0 && text > 0 && image != text) {
    const auto side = [](std::int64_t n) { return std::to_string(n) + " numbers"; };
    throw ConfigError("the teacher's image vectors have " + side(image) + ", its text vectors " + side(text) +
                      ": take both from one teacher");
  }
  Shapes shapes;
  shapes.student_dim = models.student->spec().embed_dim;
  shapes.student_text = plan.student_text;
  shapes.teacher_dim = image > 0 ? image : text;
  return shapes;
}

void check_taps(const Needs& needs, const Shapes& shapes) {
  for (const auto& tap : needs.taps) {
    if (shapes.taps.count(tap) == 0) throw ConfigError("the student has no tap \"" + tap + "\"");
  }
}

BrokenRates broken_rates(const DataOptions& data) {
  const auto rate = [](const std::optional<StreamOptions>& stream) { return stream ? stream->broken_rate : 0; };
  return {rate(data.images), rate(data.texts), rate(data.pairs)};
}

TrainState first_state(const LoadedExperiment& loaded, const RunModels& models, const Communicator& comm) {
  TrainState state;
  state.seed = loaded.experiment.seed;
  state.compute_threads = at::get_num_threads();
  state.processes = comm.size();
  state.cpu_capability = at::get_cpu_capability();
  state.device = models.device.is_cuda() ? "cuda" : "cpu";
  state.precision = loaded.experiment.train.precision;
  return state;
}

}  // namespace

void check_trainable(const Experiment& e, const Model& student) {
  if (e.losses.empty()) return;
  const auto parameters = student.parameters();
  if (std::any_of(parameters.begin(), parameters.end(), [](const auto& p) { return p.requires_grad(); })) return;
  Problems problems;
  problems.add(e.models.student->component.mark,
               "models.student has no parameter that training changes: a model of type " +
                   in_quotes(e.models.student->component.type) + " is a teacher's");
  problems.raise();
}

std::shared_ptr<Model> build_student(const LoadedExperiment& loaded, const torch::Device& device, Weights weights,
                                     const Notice& notice) {
  const Experiment& e = loaded.experiment;
  if (!e.models.student) return nullptr;
  auto student = make_model(*e.models.student, *loaded.plugins, e.seed, device, "models.student", weights, notice);
  check_trainable(e, *student);
  freeze_parameters(*student, e.models.student->freeze, "models.student");
  return student;
}

std::shared_ptr<Model> build_teacher(const LoadedExperiment& loaded, const torch::Device& device, Weights weights,
                                     const Notice& notice) {
  const Experiment& e = loaded.experiment;
  if (!e.models.teacher || !teacher_needed(e)) return nullptr;
  return make_frozen_model(*e.models.teacher, *loaded.plugins, e.seed + 1, device, "models.teacher", weights, notice);
}

RunModels build_models(const LoadedExperiment& loaded) {
  at::set_num_threads(compute_threads(loaded.experiment.threads));
  RunModels models;
  models.device = choose_device(loaded.experiment.device);
  const Notice keep = [&](const std::string& line) { models.notices.push_back(line); };
  models.student = build_student(loaded, models.device, Weights::ready, keep);
  models.teacher = build_teacher(loaded, models.device, Weights::ready, keep);
  return models;
}

Plan checked_plan(const LoadedExperiment& loaded, const RunModels& models) {
  Problems problems;
  std::optional<ModelSpec> student, teacher;
  if (models.student != nullptr) student = models.student->spec();
  if (models.teacher != nullptr) teacher = models.teacher->spec();
  Plan plan = make_plan(loaded.experiment, *loaded.plugins, student ? &*student : nullptr,
                        teacher ? &*teacher : nullptr, problems);
  check_accumulation(loaded.experiment, models, problems);
  problems.raise();
  return plan;
}

EncodeOptions encode_options(const Experiment& e, const Plan& plan, const torch::Device& device, Communicator& comm) {
  EncodeOptions options;
  options.device = device;
  options.precision = precision_of(e.train.precision);
  options.micro_batch_size = e.train.micro_batch_size;
  options.taps = plan.taps;
  options.seed = random_key({static_cast<std::uint64_t>(e.seed), 31});
  options.comm = &comm;
  return options;
}

InputContext input_context(const LoadedExperiment& loaded, const TokenizerChoice& tokenizer, const Communicator& comm) {
  const Experiment& e = loaded.experiment;
  return {*loaded.plugins,
          make_decode_pool(decode_threads(e.threads)),
          load_tokenizer(loaded.installation, tokenizer),
          e.seed,
          comm.rank(),
          comm.size()};
}

Streams build_streams(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                      const InputContext& context) {
  const DataOptions& data = loaded.experiment.data;
  const Model* sized = models.student != nullptr ? models.student.get() : models.teacher.get();
  const Normalisation normalisation = sized != nullptr ? normalisation_of(sized->spec()) : Normalisation{};
  const auto open = [&](const char* name, const std::optional<StreamOptions>& options, BatchContent content,
                        bool main) {
    content.pinned = models.device.is_cuda();
    return options ? open_stream(name, *options, content, normalisation, !main, context) : nullptr;
  };
  Streams streams;
  streams.images = open("images", data.images, plan.images, true);
  streams.pairs = open("pairs", data.pairs, plan.pairs, !data.images);
  streams.texts = open("texts", data.texts, plan.texts, !data.images && !data.pairs);
  return streams;
}

StoredWidths stored_widths(const Streams& streams) {
  const auto width = [](const std::unique_ptr<Stream>& s) { return s != nullptr ? s->content().vector_width : 0; };
  return {width(streams.images), width(streams.texts), width(streams.pairs)};
}

std::vector<ActiveLoss> build_losses(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                                     const StoredWidths& stored) {
  const auto taps = tap_shapes(*models.student, plan, models.device);
  std::vector<ActiveLoss> losses;
  for (const auto& [name, entry] : loaded.experiment.losses) {
    auto loss = loaded.plugins->make_loss(entry.component);
    try {
      const Needs needs = loaded.plugins->needs(entry.component);
      Shapes shapes = shapes_of(entry, needs, plan, models, stored);
      shapes.taps = taps;
      check_taps(needs, shapes);
      loss->build(shapes);
    } catch (...) {
      rethrow_placed("loss", entry.component);
    }
    loss->to(models.device);
    losses.push_back({name, std::move(loss), entry.weight, entry.on == "pairs"});
  }
  return losses;
}

std::unique_ptr<Step> build_step(const LoadedExperiment& loaded, const Plan& plan, const RunModels& models,
                                 std::vector<ActiveLoss> losses, Communicator& comm, double epoch) {
  const TrainOptions& train = loaded.experiment.train;
  AdamW optimizer(trained_parameters(*models.student, losses), train.optimizer);
  return std::make_unique<Step>(Encoder(models.student, models.teacher, plan.student_text,
                                        encode_options(loaded.experiment, plan, models.device, comm)),
                                std::move(losses), std::move(optimizer),
                                LossScaler(precision_of(train.precision), models.device),
                                train.clip_grad_norm.value_or(0), epoch);
}

Trainer build_trainer(const LoadedExperiment& loaded, const RunModels& models, Communicator& comm) {
  const Experiment& e = loaded.experiment;
  if (models.student == nullptr) throw ConfigError(loaded.file.string() + ": training needs models.student");
  if (e.losses.empty()) throw ConfigError(loaded.file.string() + ": training needs at least one entry in losses");
  const Plan plan = checked_plan(loaded, models);
  const InputContext context = input_context(loaded, plan.tokenizer, comm);
  Streams streams = build_streams(loaded, plan, models, context);
  const double epoch = streams.main().plan().batches_per_epoch();
  auto losses = build_losses(loaded, plan, models, stored_widths(streams));
  NamedTensors of_losses = loss_tensors(losses);
  auto step = build_step(loaded, plan, models, std::move(losses), comm, epoch);
  const Component& component = e.models.student->component;
  CheckpointTensors tensors{named_tensors(*models.student), std::move(of_losses), step->optimizer().state(),
                            model_metadata(component.type, to_yaml(component.options), models.student->spec())};
  const std::int64_t total = total_steps(e.train, epoch);
  TrainerParts parts{models.student,
                     std::move(streams),
                     std::move(step),
                     std::move(tensors),
                     Schedule(e.train.schedule_options, e.train.optimizer.lr, epoch, total),
                     total,
                     broken_rates(e.data),
                     e.train.stop_after ? std::optional(e.train.stop_after->seconds) : std::nullopt};
  return Trainer(std::move(parts), first_state(loaded, models, comm));
}

}  // namespace dime
