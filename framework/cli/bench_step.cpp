// SPDX-License-Identifier: Apache-2.0
// `dime bench step`: an experiment's update, and its student's inference, on made-up rows.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>

#include <chrono>
#include <iostream>

#include <dime/error.hpp>

#include "cli/bench.hpp"
#include "report/json_file.hpp"
#include "report/table.hpp"
#include "train/device.hpp"
#include "train/freeze.hpp"
#include "train/synthetic.hpp"

namespace dime::cli {
namespace {

constexpr std::int64_t kRows = 32;  // of a batch, where neither the command nor the file says

struct StepCommand {
  std::string experiment;
  std::vector<std::string> words;
  std::int64_t batch = 0;  ///< 0: the experiment's
  std::int64_t steps = 10;
  std::int64_t threads = 0;
  bool json = false;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void wait_for(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize();
}

struct Measured {
  double train_seconds = 0;      ///< of all steps
  double inference_seconds = 0;  ///< likewise; 0: the student has no image tower
  StepTimes times;               ///< of all steps
};

/// The parts of an update that are ready to run.
struct Bench {
  LoadedExperiment loaded;
  RunModels models;
  WorldOfOne alone;
  std::unique_ptr<Step> step;
  Batch batch;
  std::int64_t rows = 0;
};

std::int64_t rows_of(const StepCommand& command, const DataOptions& data) {
  if (command.batch > 0) return command.batch;
  for (const auto* stream : {&data.images, &data.pairs, &data.texts}) {
    if (*stream && (*stream)->batch_size > 0) return (*stream)->batch_size;
  }
  return kRows;
}

void require_parts(const LoadedExperiment& loaded) {
  const std::string file = loaded.file.string();
  if (!loaded.experiment.models.student) throw ConfigError(file + ": bench step needs models.student");
  if (loaded.experiment.losses.empty()) throw ConfigError(file + ": bench step needs at least one entry in losses");
}

void prepare(const StepCommand& command, const Program& program, Bench& bench) {
  bench.loaded = load_experiment(command.experiment, command.words, program.installation, Completeness::without_data);
  require_parts(bench.loaded);
  Experiment& e = bench.loaded.experiment;
  if (command.threads > 0) e.threads.compute.count = static_cast<int>(command.threads);
  bench.rows = rows_of(command, e.data);
  make_synthetic(e, bench.rows);
  bench.models = build_models(bench.loaded);
  const Plan plan = checked_plan(bench.loaded, bench.models);
  const StoredWidths widths = synthetic_widths(bench.loaded, plan, bench.models);
  auto losses = build_losses(bench.loaded, plan, bench.models, widths);
  bench.step = build_step(bench.loaded, plan, bench.models, std::move(losses), bench.alone, /*epoch=*/1);
  bench.batch = synthetic_batch(plan, widths, bench.rows, static_cast<std::uint64_t>(e.seed));
}

void train(Bench& bench, std::int64_t steps, Measured& m) {
  const double lr = bench.loaded.experiment.train.optimizer.lr;
  set_training(*bench.models.student, true);
  bench.step->run(bench.batch, 0, lr);  // the first touches new memory
  wait_for(bench.models.device);
  const double start = now();
  for (std::int64_t i = 1; i <= steps; ++i) {
    const StepTimes times = bench.step->run(bench.batch, i, lr).times;
    m.times.encode += times.encode;
    m.times.losses += times.losses;
    m.times.backward += times.backward;
    m.times.optimizer += times.optimizer;
  }
  wait_for(bench.models.device);
  m.train_seconds = now() - start;
}

void infer(Bench& bench, std::int64_t steps, Measured& m) {
  const auto& given = bench.batch.images.pixels.defined() ? bench.batch.images : bench.batch.pairs;
  if (!given.pixels.defined() || !bench.models.student->spec().image) return;
  const c10::InferenceMode guard;
  const AutocastGuard autocast(precision_of(bench.loaded.experiment.train.precision), bench.models.device);
  const auto pixels = given.pixels.to(bench.models.device);
  bench.models.student->eval();
  double start = 0;
  for (std::int64_t i = 0; i <= steps; ++i) {
    if (i == 1) {
      wait_for(bench.models.device);
      start = now();
    }
    ForwardContext context;
    bench.models.student->encode_image(pixels, context);
  }
  wait_for(bench.models.device);
  m.inference_seconds = now() - start;
}

nlohmann::ordered_json json_of(const Bench& bench, const Measured& m, std::int64_t steps) {
  const double n = static_cast<double>(steps), images = static_cast<double>(bench.rows) * n;
  nlohmann::ordered_json json{{"batch", bench.rows},
                              {"steps", steps},
                              {"threads", at::get_num_threads()},
                              {"device", bench.models.device.str()},
                              {"precision", bench.loaded.experiment.train.precision},
                              {"train_images_per_second", images / m.train_seconds}};
  if (m.inference_seconds > 0) json["inference_images_per_second"] = images / m.inference_seconds;
  json["step_seconds"] = {{"encode", m.times.encode / n},
                          {"losses", m.times.losses / n},
                          {"backward", m.times.backward / n},
                          {"optimizer", m.times.optimizer / n},
                          {"whole", m.train_seconds / n}};
  return json;
}

void print(const Bench& bench, const Measured& m, std::int64_t steps) {
  const double n = static_cast<double>(steps), images = static_cast<double>(bench.rows) * n;
  std::cout << "batches of " << bench.rows << " on " << bench.models.device.str() << ", " << at::get_num_threads()
            << (at::get_num_threads() == 1 ? " thread, " : " threads, ") << bench.loaded.experiment.train.precision
            << ", " << steps << (steps == 1 ? " step: " : " steps: ") << number_text(images / m.train_seconds, 2)
            << " images a second in training";
  if (m.inference_seconds > 0) std::cout << ", " << number_text(images / m.inference_seconds, 2) << " in inference";
  std::cout << "\n";
  Table table({"part", "seconds a step", "share"});
  const auto line = [&](const char* name, double seconds) {
    table.add({name, number_text(seconds / n, 4), percent_text(seconds / m.train_seconds)});
  };
  line("encode", m.times.encode);
  line("losses", m.times.losses);
  line("backward", m.times.backward);
  line("optimizer", m.times.optimizer);
  line("other", m.train_seconds - m.times.encode - m.times.losses - m.times.backward - m.times.optimizer);
  std::cout << table.text();
}

int run_step(const StepCommand& command, const Program& program) {
  Bench bench;
  prepare(command, program, bench);
  Measured m;
  train(bench, command.steps, m);
  infer(bench, command.steps, m);
  if (command.json) {
    std::cout << json_text(json_of(bench, m, command.steps)) << "\n";
  } else {
    print(bench, m, command.steps);
  }
  return 0;
}

}  // namespace

void add_bench_step(CLI::App& bench, const Program& program, Action& chosen) {
  auto command = std::make_shared<StepCommand>();
  CLI::App* sub = bench.add_subcommand("step",
                                       "An experiment's updates on made-up rows, then its student's inference: images "
                                       "a second, and where the time goes");
  sub->add_option("experiment", command->experiment, "The experiment file; it needs no `data`")
      ->required()
      ->check(not_empty());
  sub->add_option("overrides", command->words, "key.path=value");
  sub->add_option("--batch", command->batch, "Rows of a batch; default: the experiment's, or 32")
      ->check(whole_number());
  sub->add_option("--steps", command->steps, "Measure this many updates, after one that warms up (default 10)")
      ->check(whole_number());
  sub->add_option("--threads", command->threads, "Compute threads; default: the experiment's")->check(thread_number());
  sub->add_flag("--json", command->json, "Print JSON");
  sub->footer("Example: dime bench step experiments/quickstart/distil.yaml --batch 32 --steps 20 --json");
  sub->callback([=, &program, &chosen] {
    expect_overrides(command->words);
    chosen = [=, &program] { return run_step(*command, program); };
  });
}

}  // namespace dime::cli
