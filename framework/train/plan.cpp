// SPDX-License-Identifier: Apache-2.0
#include "train/plan.hpp"

#include <algorithm>

#include <dime/loss.hpp>

#include "train/normalisation.hpp"

namespace dime {
namespace {

bool has_features(const std::optional<StreamOptions>& stream) {
  return stream && std::all_of(stream->sources.begin(), stream->sources.end(),
                               [](const SourceEntry& s) { return s.features.has_value(); });
}

bool has_sources(const std::optional<StreamOptions>& stream) {
  return stream && std::all_of(stream->sources.begin(), stream->sources.end(),
                               [](const SourceEntry& s) { return s.source.has_value(); });
}

/// What is there for a loss to see.
struct Given {
  bool teacher_image = false;
  bool teacher_text = false;
  bool student_text = false;
};

Given given_on_streams(const DataOptions& data, const ModelSpec* student, const ModelSpec* teacher, bool student_text) {
  Given g;
  g.teacher_image = data.images && (has_features(data.images) || (teacher != nullptr && teacher->image));
  g.teacher_text = data.texts && (has_features(data.texts) || (teacher != nullptr && teacher->text));
  g.student_text = student != nullptr && student_text && has_sources(data.texts);
  return g;
}

Given given_on_pairs(const DataOptions& data, const ModelSpec* teacher, bool student_text) {
  Given g;
  g.teacher_image = data.pairs && (has_features(data.pairs) || (teacher != nullptr && teacher->image));
  g.teacher_text = data.pairs && teacher != nullptr && teacher->text;
  g.student_text = data.pairs && student_text;
  return g;
}

void check_loss(const std::string& name, const LossEntry& entry, const Needs& needs, const Given& given,
                Problems& problems) {
  const bool pairs = entry.on == "pairs";
  const std::string subject = "loss \"" + entry.component.type + "\" (losses." + name + ") ";
  const std::string images = pairs ? "data.pairs" : "data.images";
  const std::string texts = pairs ? "data.pairs" : "data.texts";
  const auto need = [&](bool wanted, bool there, const std::string& what) {
    if (wanted && !there) problems.add(entry.component.mark, subject + what);
  };
  need(needs.pairs, pairs, "works on pairs: say `on: pairs`");
  need(needs.teacher_image, given.teacher_image,
       "needs the teacher's image vectors: give " + images + " `features`, or models.teacher with an image tower");
  need(needs.teacher_text, given.teacher_text,
       "needs the teacher's text vectors: give " +
           (pairs ? "models.teacher with a text tower" : texts + " `features`, or models.teacher with a text tower"));
  need(needs.student_text, given.student_text,
       "needs a text tower of the student's own (models.student.text) and texts in " + texts);
}

/// Both models encode the same pixels.
void check_pixels(const ModelSpec& student, const ModelSpec& teacher, const Mark& mark, Problems& problems) {
  if (!student.image || !teacher.image) return;
  const bool same = student.image->size == teacher.image->size && student.image->mean == teacher.image->mean &&
                    student.image->std == teacher.image->std;
  if (!same) {
    problems.add(mark,
                 "models.teacher takes images of another size or normalisation than models.student: "
                 "store its vectors with `dime extract` and give them as `features`");
  }
}

/// Both models encode the same tokens.
void check_tokens(const ModelSpec& student, const ModelSpec& teacher, const ModelsOptions& models, Problems& problems) {
  if (!student.text || !teacher.text) return;
  const Mark& mark = models.teacher->component.mark;
  const std::string store = ": store its vectors with `dime extract` and give them as `features`";
  const TokenizerChoice own = tokenizer_choice(*models.student, *student.text);
  const TokenizerChoice teachers = tokenizer_choice(*models.teacher, *teacher.text);
  if (!same_tokens(own, teachers)) {
    problems.add(mark, "models.teacher reads tokens of the tokenizer " + teachers.text() + ", models.student of " +
                           own.text() + store);
  } else if (student.text->context != teacher.text->context) {
    problems.add(mark, "models.teacher takes " + std::to_string(teacher.text->context) +
                           " tokens of a text, models.student " + std::to_string(student.text->context) + store);
  }
}

/// The streams can make the tokens that a model reads. `without` says how to do without them.
void check_tokenizer(const ModelSpec& spec, const ModelEntry& entry, const std::string& which,
                     const std::string& without, Problems& problems) {
  const std::string problem = spec.text ? token_problem(entry, *spec.text, without) : "";
  if (!problem.empty()) problems.add(entry.component.mark, "models." + which + " " + problem);
}

BatchContent content_of(const char* stream, const std::optional<StreamOptions>& options) {
  BatchContent content;
  content.stream = stream;
  content.vectors = has_features(options);
  content.exif_orientation = options && options->exif_orientation;
  content.channels_last = options && options->memory_format == "channels_last";
  return content;
}

/// The models that run in a step; absent ones are null.
struct Running {
  const ModelSpec* student = nullptr;
  const ModelSpec* teacher = nullptr;
  bool student_text = false;

  bool student_image() const { return student != nullptr && student->image; }
  bool teacher_image() const { return teacher != nullptr && teacher->image; }
  bool teacher_text() const { return teacher != nullptr && teacher->text; }
  /// Whose pixels and whose tokens the streams make; may have no such tower.
  const ModelSpec* sees() const { return student_image() ? student : teacher; }
  const ModelSpec* reads() const { return student_text ? student : teacher; }
};

void plan_streams(const DataOptions& data, const Running& models, Plan& plan) {
  plan.images.pixels = data.images && (models.student_image() || (models.teacher_image() && !plan.images.vectors));
  plan.texts.tokens = data.texts && (models.student_text || (models.teacher_text() && !plan.texts.vectors));
  plan.pairs.pixels = data.pairs.has_value();
  plan.pairs.tokens = data.pairs && (models.student_text || models.teacher_text());
  for (BatchContent* content : {&plan.images, &plan.texts, &plan.pairs}) {
    const ModelSpec *sees = models.sees(), *reads = models.reads();
    if (sees != nullptr && sees->image) content->image_size = static_cast<int>(sees->image->size);
    if (reads != nullptr && reads->text) content->context = reads->text->context;
  }
}

void plan_losses(const Experiment& e, const Plugins& plugins, const Running& models, Plan& plan, Problems& problems) {
  const Given on_streams = given_on_streams(e.data, models.student, models.teacher, models.student_text);
  const Given on_pairs = given_on_pairs(e.data, models.teacher, models.student_text);
  for (const auto& [name, entry] : e.losses) {
    const Needs needs = plugins.needs(entry.component);
    check_loss(name, entry, needs, entry.on == "pairs" ? on_pairs : on_streams, problems);
    plan.taps.insert(needs.taps.begin(), needs.taps.end());
  }
}

void check_images(const Experiment& e, const Running& models, const Plan& plan, Problems& problems) {
  const DataOptions& data = e.data;
  if (models.student != nullptr && !models.student->image && !e.losses.empty() && (data.images || data.pairs)) {
    problems.add(e.models.student->component.mark,
                 std::string("models.student has no image tower to encode data.") + (data.images ? "images" : "pairs"));
  }
  if (const ModelSpec* sees = models.sees(); sees != nullptr) {
    const char* which = models.student_image() ? "models.student" : "models.teacher";
    if (plan.images.pixels) check_normalize(data.images->transform, "data.images", *sees, which, problems);
    if (data.pairs) check_normalize(data.pairs->transform, "data.pairs", *sees, which, problems);
  }
  if (models.student == nullptr || models.teacher == nullptr) return;
  if ((data.images && !plan.images.vectors) || (data.pairs && !plan.pairs.vectors)) {
    check_pixels(*models.student, *models.teacher, e.models.teacher->component.mark, problems);
  }
}

void check_texts(const Experiment& e, const Running& models, const Plan& plan, Problems& problems) {
  const bool teacher_reads = models.teacher_text() && ((e.data.texts && !plan.texts.vectors) || e.data.pairs);
  if (teacher_reads && models.student_text) check_tokens(*models.student, *models.teacher, e.models, problems);
  if ((plan.texts.tokens || plan.pairs.tokens) && models.student_text) {
    check_tokenizer(*models.student, *e.models.student, "student", "leave models.student.text out", problems);
  }
  if (teacher_reads) {
    const std::string without = e.data.pairs ? "build its image tower alone, by `towers: image`"
                                             : "store its text vectors and give them as `features` of data.texts";
    check_tokenizer(*models.teacher, *e.models.teacher, "teacher", without, problems);
  }
}

}  // namespace

bool teacher_needed(const Experiment& e) {
  const auto lacks = [](const std::optional<StreamOptions>& s) { return s && !has_features(s); };
  return lacks(e.data.images) || lacks(e.data.texts) || e.data.pairs.has_value();
}

Plan make_plan(const Experiment& e, const Plugins& plugins, const ModelSpec* student, const ModelSpec* teacher,
               Problems& problems) {
  Plan plan;
  plan.student_text = student != nullptr && student->text && e.models.student->text == "own";
  plan.teacher_runs = teacher != nullptr && teacher_needed(e);
  plan.images = content_of("images", e.data.images);
  plan.texts = content_of("texts", e.data.texts);
  plan.pairs = content_of("pairs", e.data.pairs);
  const Running models{student, plan.teacher_runs ? teacher : nullptr, plan.student_text};
  plan_streams(e.data, models, plan);
  plan_losses(e, plugins, models, plan, problems);
  check_images(e, models, plan, problems);
  check_texts(e, models, plan, problems);
  if (plan.texts.tokens || plan.pairs.tokens) {
    plan.tokenizer = tokenizer_choice(plan.student_text ? *e.models.student : *e.models.teacher, *models.reads()->text);
  }
  return plan;
}

}  // namespace dime
