// SPDX-License-Identifier: Apache-2.0
// The commands of `dime`: each file adds one to the program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

#include "train/load.hpp"

namespace dime::cli {

/// Starts the program anew, once, so that LibTorch's threads wait for work with little spinning: libgomp reads the
/// setting before `main`. Between the many small operations of a small model its default spin takes the cores from the
/// decode threads and from other programs (docs/performance.md). Returns where it is set already, or nothing computes.
void limit_spinning(int argc, char** argv);

/// Ends the process. Everything that dime holds is given back by then; LibTorch's own destructors, which take as long
/// as a short command, are not waited for (docs/performance.md).
[[noreturn]] void leave(int status);

/// What a command does when it was chosen; returns the exit status.
using Action = std::function<int()>;

/// What all commands are given.
struct Program {
  Installation installation;
  std::vector<std::string> words;  ///< the command line
};

// Each adds a command to `app`; when it is parsed, `chosen` becomes its action.
void add_train(CLI::App& app, const Program& program, Action& chosen);
void add_eval(CLI::App& app, const Program& program, Action& chosen);
void add_extract(CLI::App& app, const Program& program, Action& chosen);
void add_pack(CLI::App& app, const Program& program, Action& chosen);
void add_convert(CLI::App& app, const Program& program, Action& chosen);
void add_check(CLI::App& app, const Program& program, Action& chosen);
void add_describe(CLI::App& app, const Program& program, Action& chosen);
void add_bench(CLI::App& app, const Program& program, Action& chosen);
void add_doctor(CLI::App& app, const Program& program, Action& chosen);

/// The words of a command after the file: those with "=" before any "/" are overrides, the others names.
struct NamesAndOverrides {
  std::vector<std::string> names;
  std::vector<std::string> overrides;
};
NamesAndOverrides split_words(const std::vector<std::string>& words);
/// For an option that a script may give by mistake as "".
CLI::Validator not_empty();
/// For a number of things: digits alone, at least 1.
CLI::Validator whole_number();
/// For a number of threads: 1 to 4096.
CLI::Validator thread_number();
/// Refuses words that are no overrides, for the commands that take no names. Call while the command line is parsed.
void expect_overrides(const std::vector<std::string>& words);

}  // namespace dime::cli
