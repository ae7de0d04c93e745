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

/// Opens one stream's sources; a line for the report, or a problem.
void check_stream(const std::string& name, const std::optional<StreamOptions>& options, const BatchContent& content,
                  const LoadedExperiment& loaded, std::vector<std::string>& problems) {
  if (!options) return;
  try {
    const RowParts parts{content.pixels || content.tokens, content.vectors};
    const auto sources = open_sources(name, *options, *loaded.plugins, parts);
    const BatchContent complete = complete_content(content, sources);
    std::int64_t rows = 0;
    for (const auto& source : sources) rows += source->size();
    std::cout << "data." << name << ": " << count_text(rows) << " rows, batches of " << options->batch_size;
    if (complete.vectors) std::cout << ", stored vectors of " << complete.vector_width;
    std::cout << "\n";
  } catch (const Error& e) {
    problems.emplace_back(e.what());
  }
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
  std::vector<std::string> problems;
  report_model("student", models.student);
  report_model("teacher", models.teacher);
  check_stream("images", e.data.images, plan.images, loaded, problems);
  check_stream("texts", e.data.texts, plan.texts, loaded, problems);
  check_stream("pairs", e.data.pairs, plan.pairs, loaded, problems);
  try {
    check_evaluations(loaded);
  } catch (const Error& problem) {
    problems.emplace_back(problem.what());
  }
  if (!problems.empty()) throw DataError(join(problems, "\ndime: "));
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
