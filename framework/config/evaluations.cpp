// SPDX-License-Identifier: Apache-2.0
// Evaluations: what each task takes.
#include <algorithm>

#include "config/experiment.hpp"

namespace dime {

Schema<EvaluateEntry> EvaluateEntry::schema() {
  return Schema<EvaluateEntry>("An evaluation.")
      .option("task", &EvaluateEntry::task, "What is measured.", one_of({"zero_shot", "losses"}), required)
      .option("models", &EvaluateEntry::models, "The models that are measured.", one_of({"student", "teacher"}))
      .option("text", &EvaluateEntry::text,
              "zero_shot: the tower that encodes the prompts: teacher, student, or a model with `init`.")
      .option("data", &EvaluateEntry::data,
              "zero_shot: a data source with labels; losses: streams, where those missing are the training's.")
      .option("classes", &EvaluateEntry::classes,
              "zero_shot: a list of names, or the name of a file in configs/eval; default: the source's own.")
      .option("templates", &EvaluateEntry::templates,
              "zero_shot: prompts with {} for the name; default: those of classes, or \"a photo of a {}.\"")
      .option("transform", &EvaluateEntry::transform,
              "zero_shot: default: resize, cut and normalise as the model expects.")
      .option("exif_orientation", &EvaluateEntry::exif_orientation,
              "zero_shot: whether an image is turned as its EXIF orientation says; a losses task's streams have it.")
      .option("every", &EvaluateEntry::every, "The time between two evaluations; absent: at the end only.", positive)
      .option("batch_size", &EvaluateEntry::batch_size,
              "Rows of one forward, over all processes; default: 256, of a losses task those of the training's stream.",
              batch_rows);
}

namespace {

using detail::OptionType;

void read_text_model(const Value& text, const std::string& owner, Problems& problems) {
  const std::string what = "option \"text\" of " + owner;
  if (text.is_map()) {
    ModelEntry model;
    read_model_entry(text, model, what, problems);
    if (!model.freeze.empty()) {
      problems.add(model.freeze.front().mark,
                   "option \"freeze\" of " + detail::owner_name(what) + ": this model is never trained; remove it");
    }
  } else if (text.is_scalar()) {
    detail::FieldRules rules;
    rules.add(one_of({"teacher", "student"}));
    detail::check_choice(text, text.text(), rules, what, problems);
  } else if (text.is_list()) {
    problems.add(text.mark(), what + " takes teacher, student or a map, got a list");
  }
}

/// What stands in a list of its own must be something: an empty one measures nothing, or not what it seems to.
void refuse_empty(const Value* list, const std::string& key, const std::string& takes, const std::string& owner,
                  Problems& problems) {
  if (list == nullptr || !list->is_list() || !list->items().empty()) return;
  problems.add(list->mark(),
               "option \"" + key + "\" of " + owner + " takes at least one " + takes + ", got an empty list");
}

void check_models(const Value& v, const EvaluateEntry& entry, const std::string& owner, Problems& problems) {
  const Value* list = v.find("models");
  refuse_empty(list, "models", "of student, teacher", owner, problems);
  for (std::size_t i = 1; i < entry.models.size(); ++i) {
    const auto here = entry.models.begin() + static_cast<std::ptrdiff_t>(i);
    if (here->empty() || std::find(entry.models.begin(), here, *here) == here) continue;
    problems.add(list->items()[i].mark(), "item " + std::to_string(i + 1) + " of option \"models\" of " + owner +
                                              " says " + in_quotes(*here) + " again; remove it");
  }
}

void check_templates(const Value& v, const EvaluateEntry& entry, const std::string& owner, Problems& problems) {
  const Value* list = v.find("templates");
  refuse_empty(list, "templates", "prompt", owner, problems);
  for (std::size_t i = 0; i < entry.templates.size(); ++i) {
    if (entry.templates[i].find("{}") != std::string::npos) continue;
    problems.add(list->items()[i].mark(), "item " + std::to_string(i + 1) + " of option \"templates\" of " + owner +
                                              " has no {} for the class name, got " + in_quotes(entry.templates[i]));
  }
}

void check_zero_shot(const Value& v, const EvaluateEntry& entry, const std::string& owner, Problems& problems) {
  read_text_model(entry.text, owner, problems);
  check_templates(v, entry, owner, problems);
  if (entry.data.is_null()) {
    problems.add(v.mark(), owner + " needs option \"data\" (a data source with labels)");
  } else {
    Component source;
    detail::read_component(entry.data, source, "option \"data\" of " + owner, problems);
  }
  if (entry.classes.is_map()) {
    problems.add(entry.classes.mark(),
                 "option \"classes\" of " + owner + " takes a list of names or a name, got a map");
  } else if (entry.classes.is_list()) {
    refuse_empty(&entry.classes, "classes", "name", owner, problems);
    std::vector<std::string> names;
    OptionType<std::vector<std::string>>::read(entry.classes, names, {}, "option \"classes\" of " + owner, problems);
  }
}

void read_data(const Value& data, const std::string& batch_size, const std::string& what, DataOptions& out,
               Problems& problems) {
  Value filled = data;
  for (auto& entry : filled.entries()) {
    if (!entry.value.is_map() || entry.value.find("batch_size") != nullptr) continue;
    entry.value.set("batch_size", Value::scalar(batch_size, entry.value.mark()));
  }
  DataOptions::schema().read(filled, out, what, problems);
}

void check_losses(const Value& v, const EvaluateEntry& entry, const std::string& owner, Problems& problems) {
  for (const std::string key : {"text", "classes", "templates", "transform", "exif_orientation"}) {
    const Value* value = v.find(key);
    if (value == nullptr || value->is_null()) continue;
    problems.add(value->mark(), "option \"" + key + "\" of " + owner + " belongs to task zero_shot; remove it");
  }
  DataOptions streams;
  read_data(entry.data, "1", "option \"data\" of " + owner, streams, problems);
}

}  // namespace

void read_streams(const EvaluateEntry& entry, DataOptions& out, Problems& problems) {
  read_data(entry.data, std::to_string(entry.forward_rows()), "option \"data\" of the evaluation", out, problems);
}

namespace detail {

std::string OptionType<EvaluateEntry>::type() { return "map"; }
std::string OptionType<EvaluateEntry>::print(const EvaluateEntry&) { return ""; }
std::vector<OptionInfo> OptionType<EvaluateEntry>::nested() { return EvaluateEntry::schema().options(); }
void OptionType<EvaluateEntry>::read(const Value& v, EvaluateEntry& out, const FieldRules&, const std::string& what,
                                     Problems& problems) {
  EvaluateEntry::schema().read(v, out, what, problems);
  const std::string owner = owner_name(what);
  if (v.is_map()) check_models(v, out, owner, problems);
  if (v.is_map() && out.task == "zero_shot") check_zero_shot(v, out, owner, problems);
  if (v.is_map() && out.task == "losses") check_losses(v, out, owner, problems);
}

}  // namespace detail
}  // namespace dime
