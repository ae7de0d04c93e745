// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <ATen/Parallel.h>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "eval/extract.hpp"
#include "report/progress.hpp"
#include "report/table.hpp"
#include "train/device.hpp"

namespace dime::cli {
namespace {

int run_extract(const std::string& experiment, const std::vector<std::string>& words, const Program& program) {
  auto [names, overrides] = split_words(words);
  const LoadedExperiment loaded = load_experiment(experiment, overrides, program.installation);
  if (loaded.experiment.extract.empty()) throw ConfigError(experiment + ": there is nothing under extract");
  at::set_num_threads(compute_threads(loaded.experiment.threads));
  if (names.empty()) {
    for (const auto& [job, entry] : loaded.experiment.extract) names.push_back(job);
  }
  for (const auto& name : names) check_extraction(loaded, name);
  for (const auto& name : names) {
    Progress::Options options;
    options.what = "row";
    options.terminal = stderr_is_terminal();
    std::unique_ptr<Progress> progress;
    const Extracted done = extract(loaded, name, [&](std::int64_t at, std::int64_t total) {
      options.total = total;
      if (progress == nullptr) progress = std::make_unique<Progress>(std::cerr, options);
      progress->update(at);
    });
    if (progress != nullptr) progress->finish();
    std::cout << name << ": " << count_text(done.rows) << " vectors of " << done.width << " numbers in "
              << number_text(done.seconds, 1) << " s -> " << done.list.string() << "\n";
  }
  return 0;
}

}  // namespace

void add_extract(CLI::App& app, const Program& program, Action& chosen) {
  auto experiment = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* sub = app.add_subcommand("extract", "Writes a model's vectors of a stream as TSV shards");
  sub->add_option("experiment", *experiment, "The experiment file")->required()->check(not_empty());
  sub->add_option("words", *words, "Names of jobs under extract (default: all), and key.path=value");
  sub->footer("Example: dime extract experiments/quickstart/extract.yaml image_vectors");
  sub->callback(
      [=, &program, &chosen] { chosen = [=, &program] { return run_extract(*experiment, *words, program); }; });
}

}  // namespace dime::cli
