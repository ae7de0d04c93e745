// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "eval/tasks.hpp"
#include "report/table.hpp"
#include "train/build.hpp"
#include "train/weights.hpp"

namespace dime::cli {
namespace {

/// What is found wrong.
struct Findings {
  std::vector<std::string> problems;

  /// Runs `work`, keeping what it throws.
  void note(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& e) {
      problems.emplace_back(e.what());
    }
  }
};

/// Opens one stream's sources and says what they hold; the width of its stored vectors, or 0. `main` is the stream that
/// defines an epoch.
std::int64_t check_stream(const std::string& name, const std::optional<StreamOptions>& options,
                          const BatchContent& content, bool main, const LoadedExperiment& loaded, Findings& findings) {
  std::int64_t width = 0;
  if (!options) return width;
  findings.note([&] {
    const auto sources = open_sources(name, *options, *loaded.plugins, parts_of(content));
    const BatchContent complete = complete_content(content, sources);
    std::int64_t rows = 0;
    for (const auto& source : sources) rows += source->size();
    plan_batches(name, *options, rows, !main);
    width = complete.vector_width;
    std::cout << "data." << name << ": " << count_text(rows) << " rows, batches of " << options->batch_size;
    if (complete.vectors) std::cout << ", stored vectors of " << complete.vector_width;
    if (complete.keys_differ) std::cout << ", whose keys differ from the source's: taken row by row";
    std::cout << "\n";
  });
  return width;
}

void report_model(const char* name, const std::shared_ptr<Model>& model) {
  if (model == nullptr) return;
  std::cout << "models." << name << ": " << count_text(count_parameters(*model)) << " parameters ("
            << count_text(count_parameters(*model, "visual.")) << " in the image tower), vectors of "
            << model->spec().embed_dim << "\n";
}

int run_check(const std::string& experiment, const std::vector<std::string>& overrides, const Program& program) {
  const LoadedExperiment loaded = load_experiment(experiment, overrides, program.installation);
  const Experiment& e = loaded.experiment;
  const RunModels models = build_models(loaded, Weights::only_checked);
  const Plan plan = checked_plan(loaded, models);
  Findings findings;
  report_model("student", models.student);
  report_model("teacher", models.teacher);
  StoredWidths stored;
  stored.images = check_stream("images", e.data.images, plan.images, true, loaded, findings);
  stored.pairs = check_stream("pairs", e.data.pairs, plan.pairs, !e.data.images, loaded, findings);
  stored.texts = check_stream("texts", e.data.texts, plan.texts, !e.data.images && !e.data.pairs, loaded, findings);
  if (models.student != nullptr) {
    findings.note([&] { build_losses(loaded, plan, models, stored); });
  }
  findings.note([&] { check_evaluations(loaded, models); });
  if (!findings.problems.empty()) throw DataError(join(findings.problems, "\ndime: "));
  std::vector<std::string> losses;
  for (const auto& [name, entry] : e.losses) losses.push_back(name);
  std::cout << "losses: " << (losses.empty() ? "none" : join(losses)) << "\n" << experiment << ": good\n";
  return 0;
}

}  // namespace

void add_check(CLI::App& app, const Program& program, Action& chosen) {
  auto experiment = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* sub = app.add_subcommand("check", "Says everything that is wrong with an experiment, without running it");
  sub->add_option("experiment", *experiment, "The experiment file")->required();
  sub->add_option("overrides", *words, "key.path=value");
  sub->footer("Example: dime check experiments/quickstart/distil.yaml losses.vl.temperature=2");
  sub->callback([=, &program, &chosen] {
    expect_overrides(*words);
    chosen = [=, &program] { return run_check(*experiment, *words, program); };
  });
}

}  // namespace dime::cli
