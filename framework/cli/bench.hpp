// SPDX-License-Identifier: Apache-2.0
// The sub-commands of `dime bench`: each file adds one.
#pragma once

#include "cli/commands.hpp"

namespace dime::cli {

/// `dime bench loader`: one stream of an experiment, without models.
void add_bench_loader(CLI::App& bench, const Program& program, Action& chosen);

/// `dime bench loss`: losses on random vectors.
void add_bench_loss(CLI::App& bench, const Program& program, Action& chosen);

/// `dime bench step`: an experiment's update and its student's inference, on made-up rows.
void add_bench_step(CLI::App& bench, const Program& program, Action& chosen);

}  // namespace dime::cli
