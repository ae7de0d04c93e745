// SPDX-License-Identifier: Apache-2.0
// `dime bench`: each sub-command measures one part of a run alone.
#include "cli/bench.hpp"

namespace dime::cli {

void add_bench(CLI::App& app, const Program& program, Action& chosen) {
  CLI::App* bench = app.add_subcommand("bench", "Measures one part of a run alone");
  bench->require_subcommand(1);
  bench->footer("Example: dime bench loader experiments/quickstart/distil.yaml");
  add_bench_loader(*bench, program, chosen);
  add_bench_loss(*bench, program, chosen);
  add_bench_step(*bench, program, chosen);
}

}  // namespace dime::cli
