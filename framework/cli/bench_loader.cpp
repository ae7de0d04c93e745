// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "cli/bench.hpp"
#include "report/json_file.hpp"
#include "report/table.hpp"
#include "train/build.hpp"
#include "train/device.hpp"
#include "train/normalisation.hpp"

namespace dime::cli {
namespace {

/// Made before the clock starts: the first batches touch new memory and files that no cache holds.
constexpr int kWarmUp = 2;

struct LoaderCommand {
  std::string experiment;
  std::vector<std::string> words;
  std::string stream = "images";
  std::int64_t threads = 0;  ///< 0: the experiment's
  std::int64_t batches = 0;  ///< 0: as many as `seconds` allow
  double seconds = 10;
  bool json = false;
};

/// A copy of StageTimes at one moment, or the difference of two.
struct Stages {
  std::array<std::int64_t, 5> named{};  ///< in the order of kStages
  std::int64_t whole = 0;
  std::int64_t rows = 0;
};

struct NamedStage {
  const char* name;
  std::atomic<std::int64_t> StageTimes::*total;
};

constexpr std::array<NamedStage, 5> kStages{{{"read", &StageTimes::read},
                                             {"decode", &StageTimes::decode},
                                             {"resize", &StageTimes::resize},
                                             {"normalise", &StageTimes::normalise},
                                             {"tokenise", &StageTimes::tokenise}}};

Stages copy_of(const StageTimes& times) {
  Stages out;
  for (std::size_t i = 0; i < kStages.size(); ++i) out.named[i] = times.*kStages[i].total;
  out.whole = times.whole;
  out.rows = times.rows;
  return out;
}

Stages operator-(Stages a, const Stages& b) {
  for (std::size_t i = 0; i < kStages.size(); ++i) a.named[i] -= b.named[i];
  a.whole -= b.whole;
  a.rows -= b.rows;
  return a;
}

struct Measured {
  std::int64_t batches = 0;
  std::int64_t rows = 0;
  std::int64_t broken = 0;
  double seconds = 0;
  Stages stages;
};

struct StageLine {
  std::string name;
  double microseconds = 0;  ///< of a thread, for one row
  double share = 0;         ///< of all threads' time
};

/// The named stages, `other` (between them) and `wait` (threads with nothing to do).
std::vector<StageLine> stage_lines(const Measured& m, int threads) {
  const double all = m.seconds * 1e9 * threads;
  const double rows = static_cast<double>(std::max<std::int64_t>(1, m.stages.rows));
  std::vector<StageLine> lines;
  const auto add = [&](const char* name, double spent) {
    lines.push_back({name, spent / rows / 1e3, all > 0 ? spent / all : 0});
  };
  double named = 0;
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    const auto spent = static_cast<double>(m.stages.named[i]);
    add(kStages[i].name, spent);
    named += spent;
  }
  const auto whole = static_cast<double>(m.stages.whole);
  add("other", std::max(0.0, whole - named));
  add("wait", std::max(0.0, all - whole));
  return lines;
}

std::int64_t peak_memory_mib() {
  std::ifstream status("/proc/self/status");
  const std::string_view key = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoll(line.substr(key.size())) >> 10;
  }
  return 0;
}

const std::optional<StreamOptions>& stream_of(const DataOptions& data, const std::string& name) {
  return name == "images" ? data.images : name == "texts" ? data.texts : data.pairs;
}

const StreamOptions& find_stream(const LoadedExperiment& loaded, const std::string& name) {
  const DataOptions& data = loaded.experiment.data;
  if (const auto& wanted = stream_of(data, name)) return *wanted;
  std::vector<std::string> there;
  for (const char* other : {"images", "texts", "pairs"}) {
    if (stream_of(data, other)) there.emplace_back(other);
  }
  throw ConfigError(
      loaded.file.string() + ": there is no data." + name +
      (there.empty() ? ", nor any other stream" : "; there are: " + join(there) + " (choose with --stream)"));
}

/// What a model takes; its weights are neither drawn nor read.
std::optional<ModelSpec> spec_of(std::optional<ModelEntry> entry, const char* what, const LoadedExperiment& loaded) {
  if (!entry) return std::nullopt;
  entry->init.reset();
  return make_model(*entry, *loaded.plugins, 0, torch::kCPU, what, Weights::only_checked)->spec();
}

/// The side of the square that the last transform with a size leaves.
int size_from_transform(const StreamOptions& options, const std::string& place) {
  for (auto step = options.transform.rbegin(); step != options.transform.rend(); ++step) {
    const Value* size = step->options.find("size");
    if (size == nullptr) continue;
    const Value& side = size->is_list() ? size->items().front() : *size;
    std::int64_t pixels = 0;
    Problems problems;
    if (detail::read_scalar(side, pixels, "size", problems)) return static_cast<int>(pixels);
  }
  throw ConfigError(place + ": nothing tells the size of its images: end `transform` with a crop, or give a model");
}

struct Wanted {
  BatchContent content;
  TokenizerChoice tokenizer;
  Normalisation normalisation;
};

/// What training would read of the stream; all that it has, where there is no model.
Wanted wanted_content(const LoadedExperiment& loaded, const std::string& name, const StreamOptions& options) {
  const Experiment& e = loaded.experiment;
  const auto student = spec_of(e.models.student, "models.student", loaded);
  const auto teacher = spec_of(e.models.teacher, "models.teacher", loaded);
  Problems ignored;  // what losses lack is no matter of the loader's
  const Plan plan =
      make_plan(e, *loaded.plugins, student ? &*student : nullptr, teacher ? &*teacher : nullptr, ignored);
  Wanted wanted{name == "images" ? plan.images : name == "texts" ? plan.texts : plan.pairs, plan.tokenizer, {}};
  BatchContent& content = wanted.content;
  if (student || teacher) {
    wanted.normalisation = normalisation_of(student ? *student : *teacher);
  } else {
    const bool source = std::all_of(options.sources.begin(), options.sources.end(),
                                    [](const SourceEntry& s) { return s.source.has_value(); });
    content.pixels = source && name != "texts";
    content.tokens = source && name != "images";
    content.context = TextSpec{}.context;
    wanted.tokenizer.name = content.tokens ? clip_tokenizer : "";
  }
  if (content.pixels && content.image_size == 0) content.image_size = size_from_transform(options, "data." + name);
  return wanted;
}

Measured measure(Stream& stream, const StageTimes& times, const LoaderCommand& command) {
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < kWarmUp; ++i) stream.next();
  const Stages before = copy_of(times);
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Measured m;
  do {
    const StreamBatch batch = stream.next();
    ++m.batches;
    m.rows += batch.size();
    m.broken += static_cast<std::int64_t>(batch.broken.size());
    m.seconds = seconds();
  } while (command.batches > 0 ? m.batches < command.batches : m.seconds < command.seconds);
  m.stages = copy_of(times) - before;
  return m;
}

nlohmann::ordered_json json_of(const Measured& m, const BatchContent& content, std::int64_t batch_size, int threads) {
  const double rate = static_cast<double>(m.rows) / m.seconds;
  nlohmann::ordered_json json{{"stream", content.stream}, {"threads", threads},     {"batch_size", batch_size},
                              {"batches", m.batches},     {"rows", m.rows},         {"broken_rows", m.broken},
                              {"seconds", m.seconds},     {"rows_per_second", rate}};
  if (content.pixels) json["images_per_second"] = rate;
  json["peak_memory_mib"] = peak_memory_mib();
  json["stages"] = nlohmann::ordered_json::object();
  for (const auto& line : stage_lines(m, threads)) {
    json["stages"][line.name] = {{"microseconds", line.microseconds}, {"share", line.share}};
  }
  return json;
}

void print_table(const Measured& m, const BatchContent& content, std::int64_t batch_size, int threads) {
  const auto rate = static_cast<std::int64_t>(static_cast<double>(m.rows) / m.seconds);
  std::cout << "data." << content.stream << ": " << count_text(rate) << (content.pixels ? " images" : " rows")
            << " a second on " << threads << (threads == 1 ? " thread" : " threads") << "; " << count_text(m.rows)
            << " rows (" << m.broken << " broken) in " << m.batches << " batches of " << batch_size << ", "
            << number_text(m.seconds, 2) << " s; at most " << count_text(peak_memory_mib()) << " MiB\n";
  Table table({"stage", "us a row", "share"});
  for (const auto& line : stage_lines(m, threads)) {
    table.add({line.name, number_text(line.microseconds, 1), percent_text(line.share)});
  }
  std::cout << table.text();
}

int run_loader(const LoaderCommand& command, const Program& program) {
  LoadedExperiment loaded = load_experiment(command.experiment, command.words, program.installation);
  ThreadsOptions& threads = loaded.experiment.threads;
  if (command.threads > 0) threads.decode.count = static_cast<int>(command.threads);
  const StreamOptions& options = find_stream(loaded, command.stream);
  const Wanted wanted = wanted_content(loaded, command.stream, options);
  StageTimes times;
  const WorldOfOne alone;
  InputContext context = input_context(loaded, wanted.content.tokens ? wanted.tokenizer : TokenizerChoice{}, alone);
  context.times = &times;
  const DataOptions& data = loaded.experiment.data;
  const bool wraps = command.stream != "images" && (data.images || (command.stream == "texts" && data.pairs));
  const auto stream = open_stream(command.stream, options, wanted.content, wanted.normalisation, wraps, context);
  const Measured m = measure(*stream, times, command);
  const int used = decode_threads(threads);
  if (command.json) {
    std::cout << json_text(json_of(m, stream->content(), options.batch_size, used)) << "\n";
  } else {
    print_table(m, stream->content(), options.batch_size, used);
  }
  return 0;
}

CLI::Validator stream_name() {
  const auto check = [](const std::string& text) {
    const bool good = text == "images" || text == "texts" || text == "pairs";
    return good ? std::string() : "takes images, texts or pairs, got \"" + printable(text, 40) + "\"";
  };
  return {check, ""};
}

CLI::Validator some_seconds() {
  const auto check = [](const std::string& text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = error == std::errc() && end == text.data() + text.size() && number > 0 && number <= 1e6;
    return good ? std::string() : "takes a number of seconds above 0, got \"" + printable(text, 40) + "\"";
  };
  return {check, ""};
}

}  // namespace

void add_bench_loader(CLI::App& bench, const Program& program, Action& chosen) {
  auto command = std::make_shared<LoaderCommand>();
  CLI::App* sub = bench.add_subcommand(
      "loader", "Reads one stream as training would, without models: rows a second, and where the threads' time goes");
  sub->add_option("experiment", command->experiment, "The experiment file")->required()->check(not_empty());
  sub->add_option("overrides", command->words, "key.path=value");
  sub->add_option("--stream", command->stream, "images (the default), texts or pairs")->check(stream_name());
  sub->add_option("--threads", command->threads, "Decode threads; default: the experiment's")->check(thread_number());
  auto* batches =
      sub->add_option("--batches", command->batches, "Measure this many batches, after two that warm up; else seconds");
  batches->check(whole_number());
  sub->add_option("--seconds", command->seconds, "Measure for this long (default 10)")
      ->check(some_seconds())
      ->excludes(batches);
  sub->add_flag("--json", command->json, "Print JSON");
  sub->footer("Example: dime bench loader experiments/quickstart/distil.yaml --threads 2 --batches 100 --json");
  sub->callback([=, &program, &chosen] {
    expect_overrides(command->words);
    chosen = [=, &program] { return run_loader(*command, program); };
  });
}

}  // namespace dime::cli
