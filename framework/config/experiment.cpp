// SPDX-License-Identifier: Apache-2.0
// Reading a whole experiment, and the rules between its keys.
#include "config/experiment.hpp"

#include <algorithm>

#include <dime/build.hpp>

namespace dime {
namespace {

/// The value at a path of keys, or nullptr.
const Value* at(const Value& root, const std::vector<std::string>& keys) {
  const Value* v = &root;
  for (const auto& key : keys) {
    v = v == nullptr ? nullptr : v->find(key);
  }
  return v == nullptr || v->is_null() ? nullptr : v;
}

/// The mark of the deepest part of the path that is written.
Mark mark_of(const Value& root, const std::vector<std::string>& keys) {
  const Value* v = &root;
  for (const auto& key : keys) {
    const Value* next = v->find(key);
    if (next == nullptr || next->is_null()) break;
    v = next;
  }
  return v->mark();
}

bool version_is_known(const Value& root, Problems& problems) {
  const Value* version = root.find("schema");
  if (version == nullptr || version->is_null()) return true;  // reported as missing
  std::int64_t number = 0;
  Problems ignored;
  if (!detail::read_scalar(*version, number, "", ignored) || number == 1) return true;
  problems.add(version->mark(),
               "schema " + printable(version->text(), longest_shown) +
                   " is not known to dime " DIME_VERSION
                   ", which reads schema 1; use a newer dime, or write `schema: 1` if the file follows it");
  return false;
}

void check_name(const Value& root, const Experiment& e, Problems& problems) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const Value* name = at(root, {"name"});
  if (name == nullptr || !name->is_scalar()) return;
  if (!e.name.empty() && e.name[0] != '.' && e.name.find_first_not_of(allowed) == std::string::npos) return;
  problems.add(name->mark(),
               "option \"name\" of the experiment takes letters, digits, \".\", \"-\" and \"_\", not \".\" "
               "first, got " +
                   in_quotes(e.name));
}

void check_lengths(const Value& root, const Experiment& e, Completeness needed, Problems& problems) {
  const Value* epochs = at(root, {"train", "epochs"});
  const Value* steps = at(root, {"train", "steps"});
  if (epochs != nullptr && steps != nullptr) {
    problems.add(std::max(epochs, steps)->mark(), "\"train\" takes `epochs` or `steps`, got both; remove one");
  } else if (epochs == nullptr && steps == nullptr && !e.losses.empty() && needed == Completeness::whole) {
    problems.add(mark_of(root, {"train"}), "\"train\" needs `epochs` or `steps`: there are losses to train with");
  }
}

void check_betas(const Value& root, const Experiment& e, Problems& problems) {
  const Value* betas = at(root, {"train", "optimizer", "betas"});
  for (const double beta : e.train.optimizer.betas) {
    if (beta == 1 && betas != nullptr)
      problems.add(betas->mark(), "option \"betas\" of \"optimizer\" of \"train\" must be < 1, got 1");
  }
}

void check_losses(const Value& root, const Experiment& e, Completeness needed, Problems& problems) {
  const bool made_up = needed == Completeness::without_data && at(root, {"data"}) == nullptr;
  for (const auto& [name, loss] : e.losses) {
    if (made_up) break;
    const Mark mark = mark_of(root, {"losses", name, "on"});
    if (loss.on == "pairs" && at(root, {"data", "pairs"}) == nullptr) {
      problems.add(mark, "loss " + in_quotes(name) + " works on pairs, but there is no data.pairs");
    }
    const bool streams = at(root, {"data", "images"}) != nullptr || at(root, {"data", "texts"}) != nullptr;
    if (loss.on == "streams" && !streams) {
      problems.add(mark, "loss " + in_quotes(name) +
                             " works on images and texts, but there is no data.images and no data.texts; "
                             "give one, or say `on: pairs`");
    }
  }
  if (!e.losses.empty() && at(root, {"models", "student"}) == nullptr) {
    problems.add(mark_of(root, {"models"}), "there are losses, but no models.student to train");
  }
}

void check_teacher(const Value& root, Problems& problems) {
  const Value* freeze = at(root, {"models", "teacher", "freeze"});
  if (freeze != nullptr) {
    problems.add(freeze->mark(), "option \"freeze\" of the teacher: a teacher is never trained; remove it");
  }
  const Value* text = at(root, {"models", "teacher", "text"});
  if (text == nullptr || !text->is_scalar()) return;
  problems.add(text->mark(), "option \"text\" of the teacher takes a map, got " + text->describe() +
                                 "; teacher and none are said of a student");
}

void check_extracts(const Value& root, const Experiment& e, Problems& problems) {
  for (const auto& [name, entry] : e.extract) {
    const std::string owner = "extraction " + in_quotes(name);
    const Value* of = at(root, {"extract", name, "of"});
    const bool known = entry.of == "data.images" || entry.of == "data.texts" || entry.of == "data.pairs";
    if (known && at(root, {"data", entry.of.substr(std::string("data.").size())}) == nullptr) {
      problems.add(of->mark(), owner + " is of " + entry.of + ", which is not there");
    }
    if (entry.of == "data.pairs" && entry.part.empty()) {
      problems.add(mark_of(root, {"extract", name}),
                   owner + " needs option \"part\" (image or text: the side of the pairs)");
    }
    const Value* part = at(root, {"extract", name, "part"});
    if (known && entry.of != "data.pairs" && part != nullptr) {
      problems.add(part->mark(), "option \"part\" of " + owner + " belongs to of: data.pairs; remove it");
    }
    if (at(root, {"models", entry.model}) == nullptr && (entry.model == "teacher" || entry.model == "student")) {
      problems.add(mark_of(root, {"extract", name, "model"}),
                   owner + " encodes with the " + entry.model + ", but there is no models." + entry.model);
    }
  }
}

using Visit = std::function<void(const std::string& kind, const Component& component)>;

void visit_streams(const DataOptions& data, const Visit& visit) {
  for (const auto* stream : {&data.images, &data.texts, &data.pairs}) {
    if (!*stream) continue;
    for (const auto& source : (*stream)->sources) {
      if (source.source) visit("dataset", *source.source);
      if (source.features) visit("dataset", *source.features);
    }
  }
}

void visit_evaluation(const EvaluateEntry& entry, const Visit& visit) {
  Problems ignored;  // reported when the experiment was read
  if (entry.text.is_map()) {
    ModelEntry model;
    if (read_model_entry(entry.text, model, "text", ignored)) visit("model", model.component);
  }
  if (entry.task == "zero_shot") {
    Component source;
    if (detail::read_component(entry.data, source, "data", ignored)) visit("dataset", source);
  } else {
    DataOptions streams;
    read_streams(entry, streams, ignored);
    visit_streams(streams, visit);
  }
}

}  // namespace

Experiment read_experiment(const Value& value, Problems& problems, Completeness needed) {
  Experiment e;
  if (!version_is_known(value, problems)) return e;
  Experiment::schema().read(value, e, "the experiment", problems, {"extends"});
  check_name(value, e, problems);
  check_lengths(value, e, needed, problems);
  check_betas(value, e, problems);
  check_losses(value, e, needed, problems);
  check_teacher(value, problems);
  check_extracts(value, e, problems);
  if (e.models.student) e.models.student->image_only = e.models.student->text != "own";
  return e;
}

void for_each_component(const Experiment& experiment,
                        const std::function<void(const std::string& kind, const Component& component)>& visit) {
  const Visit named = [&](const std::string& kind, const Component& component) {
    if (!component.type.empty()) visit(kind, component);  // else its reading reported it
  };
  for (const auto* model : {&experiment.models.teacher, &experiment.models.student}) {
    if (*model) named("model", (*model)->component);
  }
  visit_streams(experiment.data, named);
  for (const auto& [name, loss] : experiment.losses) named("loss", loss.component);
  for (const auto& [name, entry] : experiment.evaluate) visit_evaluation(entry, named);
}

}  // namespace dime
