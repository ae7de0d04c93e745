// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <ATen/Parallel.h>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cli/model_lines.hpp"
#include "data/batch_maker.hpp"
#include "eval/extract.hpp"
#include "eval/tasks.hpp"
#include "report/table.hpp"
#include "train/build.hpp"
#include "train/device.hpp"
#include "train/freeze.hpp"

namespace dime::cli {
namespace {

/// What is found wrong.
struct Findings {
  std::vector<std::string> problems;

  /// Runs `work`, keeping what it throws; whether it threw nothing.
  bool note(const std::function<void()>& work) {
    try {
      work();
      return true;
    } catch (const Error& e) {
      problems.emplace_back(e.what());
    } catch (const std::exception& e) {
      const std::string text = e.what();
      problems.push_back(text.substr(0, text.find('\n')));
    }
    return false;
  }
};

/// Decodes and transforms the first rows of a stream, as training would.
void try_rows(const BatchContent& content, const StreamOptions& options,
              const std::vector<std::shared_ptr<const Dataset>>& sources) {
  BatchContent wanted = content;
  wanted.tokens = false;  // every text gives tokens
  const BatchMaker maker(wanted, sources, TransformList(options.transform), nullptr, 0);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto first = [&](std::int64_t, int retry) {
      return RowId{static_cast<int>(i), retry % sources[i]->size(), 0};
    };
    std::vector<BrokenRow> broken;
    StreamBatch batch = maker.allocate(1);
    maker.fill(batch, 0, first, broken);
  }
}

/// What `dime check` looks at and finds.
class Check {
 public:
  explicit Check(const LoadedExperiment& loaded) : loaded_(loaded), e_(loaded.experiment) {}

  std::vector<std::string> run() {
    check_models();
    check_stream("images", e_.data.images, plan_.images, true, stored_.images);
    check_stream("pairs", e_.data.pairs, plan_.pairs, !e_.data.images, stored_.pairs);
    check_stream("texts", e_.data.texts, plan_.texts, !e_.data.images && !e_.data.pairs, stored_.texts);
    if (planned_ && models_.student != nullptr) {
      findings_.note([&] { build_losses(loaded_, plan_, models_, stored_); });
    }
    // Without a student that can be built, what its evaluations lack is not known.
    for (const auto& name : student_good_ ? task_names(e_) : std::vector<std::string>{}) {
      findings_.note([&] { check_evaluations(loaded_, models_, {name}); });
    }
    for (const auto& [name, job] : e_.extract) findings_.note([&, &n = name] { check_extraction(loaded_, n); });
    return findings_.problems;
  }

 private:
  void check_models() {
    at::set_num_threads(compute_threads(e_.threads));
    const bool device = findings_.note([&] { models_.device = choose_device(e_.device); });
    const Notice print = [](const std::string& line) { std::cout << line << "\n"; };
    student_good_ =
        findings_.note([&] { models_.student = build_student(loaded_, models_.device, Weights::only_checked, print); });
    const bool teacher =
        findings_.note([&] { models_.teacher = build_teacher(loaded_, models_.device, Weights::only_checked, print); });
    planned_ = device && student_good_ && teacher && findings_.note([&] { plan_ = checked_plan(loaded_, models_); });
    report("models.student", models_.student, true);
    report("models.teacher", models_.teacher, false);
    say_statistics();
  }

  void report(const std::string& name, const std::shared_ptr<Model>& model, bool student) {
    if (model == nullptr) return;
    findings_.note([&] {
      const ModelCost cost = cost_of(name, model, student);
      std::vector<TowerRows> forwards;
      if (planned_) forwards = student ? student_forwards(e_, plan_) : teacher_forwards(e_, plan_);
      std::cout << model_lines(name, *model, cost, forwards, e_.train.micro_batch_size);
    });
  }

  ModelCost cost_of(const std::string& name, const std::shared_ptr<Model>& model, bool student) const {
    WorldOfOne comm;
    EncodeOptions options = encode_options(e_, plan_, torch::kCPU, comm);
    try {
      return model_cost(name, model, student, options);
    } catch (const ConfigError&) {
      options.taps.clear();  // one that the student lacks is for the loss to say
    }
    return model_cost(name, model, student, options);
  }

  void say_statistics() const {
    if (models_.student == nullptr || e_.train.sync_batch_norm) return;
    const std::string module = batch_statistics(*models_.student);
    if (module.empty()) return;
    std::cout << "models.student: keeps statistics of the batch (" << module
              << "): several processes give the numbers of one only with train.sync_batch_norm: true\n";
  }

  /// Opens a stream's sources and says what they hold; `width` becomes that of its stored vectors. `main` is the stream
  /// that defines an epoch.
  void check_stream(const std::string& name, const std::optional<StreamOptions>& options, BatchContent content,
                    bool main, std::int64_t& width) {
    if (!options) return;
    if (!planned_) content.stream = name;
    findings_.note([&] {
      const auto sources =
          open_sources(name, *options, *loaded_.plugins, planned_ ? parts_of(content) : RowParts{true, true});
      const BatchContent complete = complete_content(content, sources);
      std::int64_t rows = 0;
      for (const auto& source : sources) rows += source->size();
      plan_batches(name, *options, rows, !main);
      width = complete.vector_width;
      std::cout << "data." << name << ": " << count_text(rows) << " rows, batches of " << options->batch_size;
      if (complete.vectors) std::cout << ", stored vectors of " << complete.vector_width;
      if (complete.keys_differ) std::cout << ", whose keys differ from the source's: taken row by row";
      std::cout << "\n";
      try_rows(complete, *options, sources);
    });
  }

  const LoadedExperiment& loaded_;
  const Experiment& e_;
  Findings findings_;
  RunModels models_;
  Plan plan_;
  StoredWidths stored_;
  bool student_good_ = false;
  bool planned_ = false;
};

int run_check(const std::string& experiment, const std::vector<std::string>& overrides, const Program& program) {
  const LoadedExperiment loaded = load_experiment(experiment, overrides, program.installation);
  const auto problems = Check(loaded).run();
  if (!problems.empty()) throw DataError(join(problems, "\ndime: "));
  std::vector<std::string> losses;
  for (const auto& [name, entry] : loaded.experiment.losses) losses.push_back(name);
  std::cout << "losses: " << (losses.empty() ? "none" : join(losses)) << "\n" << experiment << ": good\n";
  return 0;
}

}  // namespace

void add_check(CLI::App& app, const Program& program, Action& chosen) {
  auto experiment = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* sub = app.add_subcommand("check", "Says everything that is wrong with an experiment, without running it");
  sub->add_option("experiment", *experiment, "The experiment file")->required()->check(not_empty());
  sub->add_option("overrides", *words, "key.path=value");
  sub->footer("Example: dime check experiments/quickstart/distil.yaml losses.vl.temperature=2");
  sub->callback([=, &program, &chosen] {
    expect_overrides(*words);
    chosen = [=, &program] { return run_check(*experiment, *words, program); };
  });
}

}  // namespace dime::cli
