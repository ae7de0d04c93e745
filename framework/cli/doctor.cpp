// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dime/build.hpp>
#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cuda/open.hpp"
#include "cuda/runtime.hpp"
#include "plugin/loader.hpp"
#include "report/environment.hpp"
#include "report/table.hpp"
#include "train/device.hpp"

namespace dime::cli {
namespace {

/// One line of the report.
void say(bool good, const std::string& what, const std::string& detail) {
  std::cout << (good ? "  ok    " : "  wrong ") << what << ": " << detail << "\n";
}

bool check_plugins(const Program& program) {
  bool good = true;
  const Plugins plugins(search_path(program.installation.plugins));
  std::int64_t loaded = 0;
  for (const auto& file : plugins.list()) {
    try {
      plugins.load(file.kind, file.name);
      ++loaded;
    } catch (const Error& e) {
      good = false;
      say(false, file.kind + "/" + file.name, e.what());
    }
  }
  if (plugins.list().empty()) good = false;
  say(good, "plugins", std::to_string(loaded) + " load from " + program.installation.plugins.string());
  return good;
}

bool check_tokenizer(const Program& program) {
  try {
    load_tokenizer(program.installation);
    say(true, "tokenizer", (program.installation.share / "assets").string());
    return true;
  } catch (const Error& e) {
    say(false, "tokenizer", e.what());
    return false;
  }
}

std::string cuda_text() {
  if (!at::hasCUDA()) return "not used: " + (cuda_absence().empty() ? "no GPU answers" : cuda_absence());
  std::string why;
  const CudaRuntime* runtime = load_cuda_runtime(&why);
  if (runtime == nullptr) return "a GPU answers; " + why;
  return runtime->device_name(0) + ", " + std::to_string(runtime->total_memory(0) >> 20) + " MiB";
}

int run_doctor(const Program& program) {
  std::cout << "dime " << DIME_VERSION << "\n";
  say(true, "LibTorch", std::string(DIME_LIBTORCH_VERSION) + ", CPU capability " + at::get_cpu_capability());
  say(true, "cores", std::to_string(usable_cores()));
  say(true, "build", DIME_STAMP);
  say(true, "CUDA", cuda_text());
  bool good = true;
  try {
    good = check_plugins(program);
  } catch (const Error& e) {
    good = false;
    say(false, "plugins", e.what());
  }
  good = check_tokenizer(program) && good;
  std::cout << (good ? "all is well\n" : "something is wrong: see above\n");
  return good ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& app, const Program& program, Action& chosen) {
  CLI::App* sub = app.add_subcommand("doctor", "Looks at this machine and this installation");
  sub->footer("Example: dime doctor");
  sub->callback([&program, &chosen] { chosen = [&program] { return run_doctor(program); }; });
}

}  // namespace dime::cli
