// SPDX-License-Identifier: Apache-2.0
#include "eval/tasks.hpp"

#include <dime/error.hpp>

#include "eval/losses_task.hpp"
#include "eval/task_error.hpp"
#include "eval/zero_shot.hpp"
#include "plugin/placed_error.hpp"
#include "report/table.hpp"
#include "train/normalisation.hpp"
#include "train/weights.hpp"

namespace dime {
namespace {

std::shared_ptr<const Dataset> open_data(const LoadedExperiment& loaded, const EvaluateEntry& task) {
  Problems problems;
  Component data;
  detail::read_component(task.data, data, "option \"data\" of a zero_shot task", problems);
  problems.raise();
  auto source = loaded.plugins->make_dataset(data);
  try {
    if (source->size() <= 0) throw DataError("it has no rows");
  } catch (...) {
    rethrow_placed("dataset", data);
  }
  return source;
}

/// Whose text tower writes the classes for `which`, where the task has no tower of its own.
std::string text_name(const Experiment& e, const EvaluateEntry& task, const std::string& which) {
  if (!task.text.is_null()) return task.text.text();
  return which == "student" && e.models.student && e.models.student->text == "own" ? "student" : "teacher";
}

/// `teacher` gives the teacher's model, which is asked only where no `init` stands for it.
void expect_models(const Experiment& e, const std::string& name, const EvaluateEntry& task,
                   const std::function<std::shared_ptr<Model>()>& teacher) {
  const auto expect = [&](const std::string& which, const std::string& what) {
    const auto& entry = which == "teacher" ? e.models.teacher : e.models.student;
    const std::string names = "evaluate." + name + " " + what + " the " + which + ", but ";
    if (!entry) throw ConfigError(names + "there is no models." + which);
    // A student has its weights from training or from --weights.
    if (which == "teacher" && !entry->init && !teacher()->brings_weights()) {
      throw ConfigError(names + "models.teacher has no init: its weights would be random");
    }
  };
  for (const auto& which : task.models) {
    expect(which, "measures");
    if (task.task == "zero_shot" && !task.text.is_map()) expect(text_name(e, task, which), "writes its classes with");
  }
}

/// What goes wrong with the task, its data or its numbers is said with the task's name.
template <class F>
auto in_task(const std::string& name, F&& work) {
  const auto named = [&](const Error& e) { return "evaluate." + name + ": " + e.what(); };
  try {
    return work();
  } catch (const Placed&) {
    throw;
  } catch (const DataError& e) {
    throw DataError(named(e));
  } catch (const TaskError& e) {
    throw ConfigError(named(e));
  } catch (const TrainError& e) {
    throw TrainError(named(e));
  }
}

/// The model that writes the classes for `which`, as the file has it.
ModelEntry text_entry(const Experiment& e, const EvaluateEntry& task, const std::string& which) {
  if (!task.text.is_map()) return text_name(e, task, which) == "student" ? *e.models.student : *e.models.teacher;
  Problems problems;
  ModelEntry entry;
  read_model_entry(task.text, entry, "evaluate text", problems);
  problems.raise();
  return entry;
}

void check_towers(const std::string& which, const ModelSpec& measured, const ModelSpec& text,
                  const ModelEntry& written) {
  if (!measured.image) throw TaskError("the " + which + " has no image tower");
  if (!text.text) throw TaskError("the text model has no text tower");
  const std::string problem = token_problem(written, *text.text, "let `text` name a model of another tokenizer");
  if (!problem.empty()) throw TaskError("the text model " + problem);
  if (text.embed_dim != measured.embed_dim) {
    throw TaskError("the " + which + "'s vectors have " + std::to_string(measured.embed_dim) +
                    " numbers, the text model's " + std::to_string(text.embed_dim));
  }
}

BatchContent content_for(const ModelSpec& measured, const EvaluateEntry& task) {
  BatchContent content;
  content.stream = "evaluate";
  content.pixels = content.labels = true;
  content.image_size = static_cast<int>(measured.image->size);
  content.exif_orientation = task.exif_orientation;
  return content;
}

std::shared_ptr<Model> make_text_model(const LoadedExperiment& loaded, const EvaluateEntry& task,
                                       const torch::Device& device, Weights weights) {
  const ModelEntry entry = text_entry(loaded.experiment, task, "");
  auto model = make_frozen_model(entry, *loaded.plugins, loaded.experiment.seed + 2, device, "evaluate text", weights);
  if (has_weights(entry, *model)) return model;
  throw TaskError("the text model at " + task.text.mark().text() + " has no init: its weights would be random");
}

void expect_student(const std::string& which) {
  if (which != "student") throw TaskError("a losses task measures the student only: say `models: [student]`");
}

const EvaluateEntry& find_task(const LoadedExperiment& loaded, const std::string& name) {
  for (const auto& [task, entry] : loaded.experiment.evaluate) {
    if (task == name) return entry;
  }
  throw ConfigError(loaded.file.string() + ": evaluate has no task \"" + name +
                    "\"; it has: " + join(task_names(loaded.experiment)));
}

}  // namespace

std::vector<std::string> task_names(const Experiment& e) {
  std::vector<std::string> names;
  for (const auto& [name, task] : e.evaluate) names.push_back(name);
  return names;
}

Evaluator::Evaluator(const LoadedExperiment& loaded, torch::Device device, std::shared_ptr<Model> student)
    : loaded_(loaded), device_(device), student_(std::move(student)), context_(input_context(loaded, {}, comm_)) {}

Evaluator::~Evaluator() = default;

TaskResult Evaluator::run(const std::string& name, std::int64_t step) {
  const EvaluateEntry& task = find_task(loaded_, name);
  expect_models(loaded_.experiment, name, task, [&] { return model("teacher"); });
  TaskResult result;
  result.task = name;
  result.step = step;
  for (const auto& which : task.models) {
    const std::string key = name + "/" + which;
    if (which == "teacher" && teacher_results_.count(key) != 0) {
      result.models[which] = teacher_results_[key];
      continue;
    }
    result.models[which] = in_task(name, [&] { return run_model(task, which); });
    if (which == "teacher") teacher_results_[key] = result.models[which];
  }
  return result;
}

nlohmann::ordered_json Evaluator::run_model(const EvaluateEntry& task, const std::string& which) {
  const auto measured = model(which);
  nlohmann::ordered_json json =
      task.task == "zero_shot" ? run_zero_shot(task, which, *measured) : run_losses(task, which);
  json["parameters"] = count_parameters(*measured);
  const std::int64_t image = count_parameters(*measured, "visual.");
  json["image_parameters"] = image > 0 ? image : count_parameters(*measured);
  return json;
}

std::shared_ptr<Model> Evaluator::model(const std::string& which) {
  if (which == "student") {
    if (student_ == nullptr) throw ConfigError("evaluate: there is no models.student");
    return student_;
  }
  if (teacher_ == nullptr) {
    teacher_ = make_frozen_model(*loaded_.experiment.models.teacher, *loaded_.plugins, loaded_.experiment.seed + 1,
                                 device_, "models.teacher");
  }
  return teacher_;
}

std::shared_ptr<Model> Evaluator::text_model(const EvaluateEntry& task, const std::string& which) {
  if (!task.text.is_map()) return model(text_name(loaded_.experiment, task, which));
  auto& made = text_models_[&task];
  if (made == nullptr) made = make_text_model(loaded_, task, device_, Weights::ready);
  return made;
}

const Tokenizer& Evaluator::tokenizer(const TokenizerChoice& choice) {
  auto& loaded = tokenizers_[choice.text()];
  if (loaded == nullptr) loaded = load_tokenizer(loaded_.installation, choice);
  return *loaded;
}

EncodeOptions Evaluator::encode_options() const {
  EncodeOptions options;
  options.device = device_;
  options.precision = precision_of(loaded_.experiment.train.precision);
  return options;
}

nlohmann::ordered_json Evaluator::run_zero_shot(const EvaluateEntry& task, const std::string& which, Model& measured) {
  const auto text = text_model(task, which);
  const ModelSpec spec = measured.spec();
  const ModelEntry written = text_entry(loaded_.experiment, task, which);
  check_towers(which, spec, text->spec(), written);
  const std::shared_ptr<const Dataset> source = open_data(loaded_, task);
  const ClassPrompts prompts =
      read_classes(task.classes, task.templates, source->info().class_names, loaded_.installation.share);
  const auto& tokens = tokenizer(tokenizer_choice(written, *text->spec().text));
  const auto weights = class_weights(*text, prompts, tokens, encode_options());
  const auto steps = task.transform.empty() ? TransformList::evaluation_steps(*spec.image) : task.transform;
  Reader reader = open_reader(content_for(spec, task), source, TransformList(steps, normalisation_of(spec)),
                              task.forward_rows(), context_);
  return zero_shot(measured, weights, reader, encode_options()).json();
}

nlohmann::ordered_json Evaluator::run_losses(const EvaluateEntry& task, const std::string& which) {
  expect_student(which);
  return held_out_losses(loaded_, task, student_, device_);
}

void check_evaluations(const LoadedExperiment& loaded, const RunModels& models, const std::vector<std::string>& names) {
  const Experiment& e = loaded.experiment;
  std::shared_ptr<Model> teacher;
  const auto made_teacher = [&] {
    if (teacher == nullptr) {
      teacher = make_frozen_model(*e.models.teacher, *loaded.plugins, e.seed + 1, torch::kCPU, "models.teacher",
                                  Weights::only_checked);
    }
    return teacher;
  };
  const auto spec_of = [&](const std::string& which) {
    return which == "student" ? models.student->spec() : made_teacher()->spec();
  };
  const auto check = [&](const std::string& name, const EvaluateEntry& task) {
    if (task.task != "zero_shot") {
      for (const auto& which : task.models) expect_student(which);
      return check_held_out_losses(loaded, task, models.student);
    }
    const std::shared_ptr<const Dataset> source = open_data(loaded, task);
    read_classes(task.classes, task.templates, source->info().class_names, loaded.installation.share);
    for (const auto& which : task.models) {
      const ModelSpec text = task.text.is_map()
                                 ? make_text_model(loaded, task, torch::kCPU, Weights::only_checked)->spec()
                                 : spec_of(text_name(e, task, which));
      check_towers(which, spec_of(which), text, text_entry(e, task, which));
      Problems problems;
      check_normalize(task.transform, "evaluate." + name, spec_of(which), "models." + which, problems);
      problems.raise();
      complete_content(content_for(spec_of(which), task), {source});
    }
  };
  for (const auto& name : names.empty() ? task_names(e) : names) {
    const EvaluateEntry& task = find_task(loaded, name);
    expect_models(e, name, task, made_teacher);
    in_task(name, [&] { check(name, task); });
  }
}

std::string results_table(const std::vector<TaskResult>& results) {
  Table table({"task", "model", "image parameters", "parameters", "images/s", "accuracy"});
  Table losses({"task", "model", "loss", "value"});
  bool any_losses = false, any_scores = false;
  for (const auto& result : results) {
    for (const auto& [which, json] : result.models.items()) {
      if (json.contains("accuracy")) {
        any_scores = true;
        table.add({result.task, which, count_text(json["image_parameters"]), count_text(json["parameters"]),
                   number_text(json["images_per_second"], 0), percent_text(json["accuracy"])});
      }
      if (!json.contains("losses")) continue;
      any_losses = true;
      for (const auto& [name, value] : json["losses"].items()) {
        losses.add({result.task, which, name, number_text(value, 6)});
      }
    }
  }
  return (any_scores ? table.text() : "") + (any_losses ? losses.text() : "");
}

}  // namespace dime
