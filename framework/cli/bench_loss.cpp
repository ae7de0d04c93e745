// SPDX-License-Identifier: Apache-2.0
// `dime bench loss`: forward and backward of losses on random vectors.
#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include <CLI/Error.hpp>
#include <dime/error.hpp>

#include "cli/bench.hpp"
#include "comm/thread_world.hpp"
#include "plugin/loader.hpp"
#include "plugin/plugin_index.hpp"
#include "report/json_file.hpp"
#include "report/table.hpp"
#include "train/device.hpp"
#include "train/step.hpp"

namespace dime::cli {
namespace {

constexpr double kEnough = 3;  // seconds of repetitions
constexpr double kLong = 10;   // a first run that takes longer is the measurement
constexpr int kMostRepeats = 51;

struct LossCommand {
  std::int64_t images = 1024;
  std::int64_t texts = 0;  ///< 0: as many as images
  std::int64_t dim = 768;
  std::vector<std::string> terms;
  std::string products, form;  ///< empty: the losses' defaults
  std::string device = "auto";
  std::int64_t threads = 0;
  std::int64_t ranks = 1;
  bool separate = false;
  bool json = false;
};

struct Measured {
  double seconds = 0;  ///< the median
  int repeats = 1;
  std::int64_t extra_mib = 0;
};

/// A line of /proc/self/status, in KiB.
std::int64_t memory_kib(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoll(line.substr(key.size()));
  }
  return 0;
}

/// The kernel then counts the process's highest memory anew.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::vector<ActiveLoss> make_losses(const LossCommand& command, const Plugins& plugins, Needs& needs) {
  std::vector<ActiveLoss> losses;
  for (const auto& name : command.terms) {
    std::vector<Value::Entry> options;
    if (!command.products.empty()) options.push_back({"products", Value::scalar(command.products), {}});
    if (!command.form.empty()) options.push_back({"form", Value::scalar(command.form), {}});
    const Component component{name, Value::map(std::move(options)), {}};
    const Needs own = plugins.needs(component);
    needs.pairs = needs.pairs || own.pairs;
    needs.student_text = needs.student_text || own.student_text;
    if (command.ranks > 1 && own.rows != Rows::own) {
      throw ArgumentError("bench loss: --ranks is for losses that work on a process's own rows; " + name +
                          " takes the whole batch");
    }
    ActiveLoss& active = losses.emplace_back();
    active.name = name;
    active.loss = plugins.make_loss(component);
    active.loss->build({command.dim, command.dim, own.student_text, {}});
    active.on_pairs = own.pairs;
  }
  return losses;
}

LossInput random_input(const LossCommand& command, const Needs& needs, const torch::Device& device) {
  const auto draw = [&](std::int64_t rows, std::uint64_t seed) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return at::randn({rows, command.dim}, generator, at::kFloat).to(device);
  };
  LossInput in;
  in.student.image = draw(command.images, 0).requires_grad_();
  in.teacher.image = draw(command.images, 1);
  in.teacher.text = draw(command.texts, 2);
  in.student.text = needs.student_text ? draw(command.texts, 3).requires_grad_() : in.teacher.text;
  in.pairs = needs.pairs;
  return in;
}

class Benchmark {
 public:
  Benchmark(const LossCommand& command, std::vector<ActiveLoss> losses, LossInput in)
      : command_(command), losses_(std::move(losses)), in_(std::move(in)) {}

  Measured run() {
    const std::int64_t before = memory_kib("VmRSS:");
    forget_peak();
    std::vector<double> times{step()};
    if (times[0] < kLong) times.clear();  // the first run touches new memory
    double spent = 0;
    while (times.empty() || (spent < kEnough && times[0] < kLong && times.size() < kMostRepeats)) {
      times.push_back(step());
      spent += times.back();
    }
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    return {times[times.size() / 2], static_cast<int>(times.size()), (memory_kib("VmHWM:") - before) >> 10};
  }

 private:
  double step() {
    const double start = now();
    if (command_.separate) {
      for (const auto& loss : losses_) forward_backward({loss});
    } else {
      forward_backward(losses_);
    }
    if (in_.student.image.is_cuda()) torch::cuda::synchronize();
    const double taken = now() - start;
    in_.student.image.mutable_grad() = in_.student.text.mutable_grad() = torch::Tensor();
    return taken;
  }

  void forward_backward(const std::vector<ActiveLoss>& losses) {
    torch::Tensor total;
    for (const auto& [name, value] : evaluate_losses(losses, in_, in_)) total = total.defined() ? total + value : value;
    total.backward();
  }

  const LossCommand& command_;
  std::vector<ActiveLoss> losses_;
  LossInput in_;
};

/// The rows of one of several processes.
LossInput part_of(const LossInput& in, Communicator& comm) {
  const auto part = [&](const torch::Tensor& x) {
    const RowRange rows = rows_of_rank(x.size(0), comm.rank(), comm.size());
    return x.detach().narrow(0, rows.first, rows.count).requires_grad_(x.requires_grad());
  };
  LossInput own = in;
  own.comm = &comm;
  own.student.image = part(in.student.image);
  own.teacher.image = part(in.teacher.image);
  own.teacher.text = part(in.teacher.text);
  own.student.text = in.student.text.is_same(in.teacher.text) ? own.teacher.text : part(in.student.text);
  return own;
}

/// What the busiest of several processes sends in a step; they are threads here.
std::int64_t bytes_sent(const LossCommand& command, const std::vector<ActiveLoss>& losses, const LossInput& in) {
  const int ranks = static_cast<int>(command.ranks);
  ThreadWorld world(ranks);
  world.run([&](Communicator& comm) {
    at::set_num_threads(1);
    const LossInput own = part_of(in, comm);
    torch::Tensor total;
    for (const auto& [name, value] : evaluate_losses(losses, own, own)) total = total.defined() ? total + value : value;
    total.backward();
  });
  std::int64_t most = 0;
  for (int rank = 0; rank < ranks; ++rank) most = std::max(most, world.bytes_sent(rank));
  return most;
}

int run_loss(LossCommand command, const Program& program) {
  if (command.texts == 0) command.texts = command.images;
  const torch::Device device = choose_device(command.device);
  if (command.threads > 0) at::set_num_threads(static_cast<int>(command.threads));
  const Plugins plugins(search_path(program.installation.plugins));
  Needs needs;
  auto losses = make_losses(command, plugins, needs);
  if (needs.pairs && command.images != command.texts) {
    throw ArgumentError("bench loss: a term works on pairs: give as many texts as images");
  }
  const LossInput in = random_input(command, needs, device);
  const Measured m = Benchmark(command, losses, in).run();
  const std::int64_t sent = command.ranks > 1 ? bytes_sent(command, losses, in) : 0;
  const int threads = at::get_num_threads();
  if (command.json) {
    nlohmann::ordered_json json{{"images", command.images},     {"texts", command.texts}, {"dim", command.dim},
                                {"terms", command.terms},       {"device", device.str()}, {"threads", threads},
                                {"separate", command.separate}, {"repeats", m.repeats},   {"seconds", m.seconds},
                                {"extra_mib", m.extra_mib}};
    if (!command.products.empty()) json["products"] = command.products;
    if (!command.form.empty()) json["form"] = command.form;
    if (command.ranks > 1) json["ranks"] = command.ranks, json["sent_bytes"] = sent;
    std::cout << json_text(json) << "\n";
  } else {
    std::cout << join(command.terms) << ": " << count_text(command.images) << " images x " << count_text(command.texts)
              << " texts x " << command.dim << ", forward and backward on " << device.str() << ", " << threads
              << (threads == 1 ? " thread" : " threads") << ": " << number_text(m.seconds, 4) << " s, at most "
              << count_text(m.extra_mib) << " MiB beside the vectors\n";
    if (command.ranks > 1) {
      std::cout << "each of " << command.ranks << " processes sends at most " << count_text(sent)
                << " bytes a step; the vectors are " << count_text((command.images + command.texts) * command.dim * 4)
                << ", one score matrix " << count_text(command.images * command.texts * 4) << "\n";
    }
  }
  return 0;
}

}  // namespace

void add_bench_loss(CLI::App& bench, const Program& program, Action& chosen) {
  auto command = std::make_shared<LossCommand>();
  CLI::App* sub = bench.add_subcommand(
      "loss", "Forward and backward of losses on random vectors: the median time, and the memory beside the vectors");
  sub->add_option("--images", command->images, "Image vectors (default 1024)")->check(whole_number());
  sub->add_option("--texts", command->texts, "Text vectors; default: as many as images")->check(whole_number());
  sub->add_option("--dim", command->dim, "Numbers of a vector (default 768)")->check(whole_number());
  sub->add_option("--terms", command->terms, "Losses, by name")->required()->delimiter(',')->check(not_empty());
  sub->add_option("--products", command->products, "The losses' option: fp32 or bf16")->check(not_empty());
  sub->add_option("--form", command->form, "The losses' option: auto, direct or tiled")->check(not_empty());
  sub->add_option("--device", command->device, "auto (the default), cpu or cuda")->check(not_empty());
  sub->add_option("--threads", command->threads, "Compute threads; default: all usable cores")->check(thread_number());
  sub->add_option("--ranks", command->ranks, "Also count what each of so many processes would send")
      ->check(thread_number());
  sub->add_flag("--separate", command->separate, "Term by term, without shared work");
  sub->add_flag("--json", command->json, "Print JSON");
  sub->footer("Example: dime bench loss --images 8192 --texts 8192 --terms vl,pvl --threads 2 --json");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_loss(*command, program); }; });
}

}  // namespace dime::cli
